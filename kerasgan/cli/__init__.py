"""The command line: absl flags over `kerasgan.runs`, and no logic else."""
