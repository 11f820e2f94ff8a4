"""The database: tables, migrations, load and commit, leader lease, history."""
