package dev.spandrel.sidecar.page;

/**
 * One data point of a metric that the page knows.
 *
 * @param source whose it is: resource and attributes of the point as a number, so that two of a name stay apart
 * @param value of a gauge or sum; the count of a histogram
 * @param delta whether it is what came since the last point, rather than since the start
 * @param bounds upper bounds of a histogram's buckets but the last; empty for a number
 * @param counts of the buckets, one more than bounds; empty for a number
 */
record MetricPoint(String name, long source, double value, boolean delta, double[] bounds, long[] counts) {}
