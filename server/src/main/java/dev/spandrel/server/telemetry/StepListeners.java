package dev.spandrel.server.telemetry;

import dev.spandrel.engine.BlockLife;
import dev.spandrel.engine.StartPhase;
import dev.spandrel.engine.StepListener;
import dev.spandrel.engine.StepRecord;
import java.util.function.Consumer;

/**
 * Metrics of every step and spans of some.
 *
 * @param metrics hears of all
 * @param spans hears of all and says of which it wants details
 * @param start hears of the parts of the engine's opening
 */
public record StepListeners(EngineMetrics metrics, StepSpans spans, Consumer<StartPhase> start)
        implements StepListener {
    @Override
    public void onStep(StepRecord step) {
        metrics.onStep(step);
        spans.onStep(step);
    }

    @Override
    public double watchedBlocks() {
        return metrics.watchedBlocks();
    }

    @Override
    public void onEvicted(BlockLife life) {
        metrics.onEvicted(life);
    }

    @Override
    public void onStart(StartPhase phase) {
        start.accept(phase);
    }

    @Override
    public boolean detailed() {
        return spans.detailed();
    }

    @Override
    public boolean wantsDetail(long step) {
        return spans.wantsDetail(step);
    }
}
