"""Sources of apps: files, http and ftp servers."""
