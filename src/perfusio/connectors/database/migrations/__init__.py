"""How a database comes from one revision of the tables to the next; run when `sql_database.Database` opens it."""
