"""One file per command of `imu`: each has `add_parser(subparsers)` and a `run(arguments) -> exit code`."""
