"""Exercises that check themselves, a file for each chapter; see checking.py for how."""
