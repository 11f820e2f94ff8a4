"""What lists and first pages are read from: kept up to date with each commit, and read in short turns."""
