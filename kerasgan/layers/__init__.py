"""What two families of networks or more are built from."""
