"""Sign-in: passkeys first, passwords with a second factor, and company sign-in as a convenience."""
