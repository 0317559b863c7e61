"""Answer a program from its recording: which answer comes next, and when there is none."""
