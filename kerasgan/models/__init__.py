"""Networks: one file per family, each with a `Generator`, a `Discriminator`."""
