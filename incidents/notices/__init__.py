"""The ways out: each sends one notice to one receiver, within its time, and says what came of it."""
