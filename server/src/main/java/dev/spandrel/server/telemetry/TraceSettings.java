package dev.spandrel.server.telemetry;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What goes into spans.
 *
 * @param attributes whose keys
 * @param detailed what else is told; {@link DetailedTraces#ALL} is already {@code MODEL} and {@code WORKER}
 * @param tokenInterval tokens between two events of a {@code decode} span; 0 = no such events
 * @param stepRatio share of steps that get a span, 0 to 1
 * @param baggageKeys baggage entries that become attributes
 * @param contentLimit most characters of prompt or answer on a span; 0 = none at all
 */
public record TraceSettings(
        AttributeStyle attributes,
        Set<DetailedTraces> detailed,
        int tokenInterval,
        double stepRatio,
        List<String> baggageKeys,
        int contentLimit) {
    /** Tokens between two events where nobody says otherwise: three or four events on a typical answer. */
    public static final int DEFAULT_TOKEN_INTERVAL = 32;

    /** Characters of content; four times this and a collector's default message limit of 4 MiB is still far. */
    public static final int DEFAULT_CONTENT_LIMIT = 64 * 1024;

    /** What a server has that was told nothing. */
    public static final TraceSettings DEFAULT =
            new TraceSettings(AttributeStyle.BOTH, Set.of(), DEFAULT_TOKEN_INTERVAL, 1, List.of(), 0);

    public TraceSettings {
        EnumSet<DetailedTraces> all = EnumSet.noneOf(DetailedTraces.class);
        all.addAll(detailed);
        if (all.remove(DetailedTraces.ALL)) {
            all.add(DetailedTraces.MODEL);
            all.add(DetailedTraces.WORKER);
        }
        detailed = Set.copyOf(all);
        baggageKeys = List.copyOf(baggageKeys);
        if (tokenInterval < 0) {
            throw new IllegalArgumentException("--trace-token-interval must be at least 0, found " + tokenInterval);
        }
        if (!(stepRatio >= 0 && stepRatio <= 1)) {
            throw new IllegalArgumentException("--trace-step-ratio must be between 0 and 1, found " + stepRatio);
        }
    }

    /** Whether a kind of detail was asked for. */
    public boolean tells(DetailedTraces kind) {
        return detailed.contains(kind);
    }
}
