"""What the `tew` commands do, one module a group of commands; cli.py only declares their arguments."""
