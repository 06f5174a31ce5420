"""Which scores are shares, which people write in percent."""

SHARES = ("top1", "top5", "miou", "pixel_accuracy", "map", "map50")
