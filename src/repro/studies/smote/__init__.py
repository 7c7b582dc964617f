"""Study of SMOTE (Chawla, Bowyer, Hall and Kegelmeyer 2002): what is run and what the paper says."""
