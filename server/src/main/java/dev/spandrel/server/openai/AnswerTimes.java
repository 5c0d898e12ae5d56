package dev.spandrel.server.openai;

import dev.spandrel.server.http.WriteWatchdog.Blocked;
import java.util.List;

/**
 * When a choice went out, on the engine's clock.
 *
 * @param firstByteNanos its first bytes were written; {@link dev.spandrel.engine.RequestTimings#NOT_REACHED} if never
 * @param lastByteNanos its last bytes were written; likewise
 * @param blockedNanos time the whole answer waited for a client that does not read
 * @param blocked the first of these waits
 */
public record AnswerTimes(long firstByteNanos, long lastByteNanos, long blockedNanos, List<Blocked> blocked) {}
