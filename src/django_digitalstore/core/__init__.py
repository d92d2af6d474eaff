"""What every feature stands on: settings, model slots, guard, flows, roles, money, outbox."""
