"""What a worker is put together from: settings in, parts wired, probes answered, embedded servers kept."""
