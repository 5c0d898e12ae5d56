package dev.spandrel.server.telemetry;

import io.opentelemetry.context.Context;

/** What the HTTP filter leaves in Helidon's request context for {@link GenerationSpans}: the parent, and the clock. */
record RequestSpan(Context context, ClockAnchor anchor) {}
