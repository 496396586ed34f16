"""What is in force: rule sets as they reload, and the orders of operators on mod.control."""
