"""The patient's screen. Qt is imported here and nowhere else; `run_dashboard` imports it when it is called."""
