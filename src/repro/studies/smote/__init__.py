"""What SMOTE's authors said in 2002 and what has been asked since, on the paper's data and with stronger learners."""
