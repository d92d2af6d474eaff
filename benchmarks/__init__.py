"""What the suite costs, as ratios: each job beside the least that Django and the database need."""
