"""What every feature stands on: settings, model slots, the guard, flows, roles, money, background work."""
