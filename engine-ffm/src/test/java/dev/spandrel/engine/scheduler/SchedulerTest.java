package dev.spandrel.engine.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SchedulerTest {
    private static Sequence sequence(long id, int prompt, int output) {
        return new Sequence(id, new int[prompt], prompt + output);
    }

    private static Scheduler scheduler(int maxNumSeqs, int budget, BlockManager blocks) {
        return new Scheduler(new SchedulerConfig(maxNumSeqs, budget, 0, SchedulingPolicy.FCFS), blocks);
    }

    /** Books the step and gives every sequence that may have one a token. */
    private static void complete(Scheduler scheduler, ScheduledBatch batch) {
        boolean[] samples = new boolean[batch.sequences().size()];
        for (int i = 0; i < samples.length; i++) {
            samples[i] = batch.samples(i);
        }
        scheduler.advance(batch);
        for (int i = 0; i < samples.length; i++) {
            if (samples[i]) {
                batch.sequences().get(i).append(7);
            }
        }
    }

    @Test
    void aNewSequenceJoinsThoseThatDecode() {
        Scheduler scheduler = scheduler(8, 100, new BlockManager(16, 16, false));
        Sequence first = sequence(1, 10, 5);
        scheduler.add(first);
        ScheduledBatch batch = scheduler.schedule();
        assertThat(batch.tokens()).isEqualTo(10);
        assertThat(batch.samples(0)).isTrue();
        complete(scheduler, batch);

        Sequence second = sequence(2, 20, 5);
        scheduler.add(second);
        batch = scheduler.schedule();
        assertThat(batch.sequences()).containsExactly(first, second);
        assertThat(batch.tokenCount(0)).isEqualTo(1);
        assertThat(batch.tokenCount(1)).isEqualTo(20);
        assertThat(batch.admitted()).containsExactly(second);
    }

    @Test
    void aLongPromptIsCutIntoChunksAndSamplesOnlyAfterTheLast() {
        Scheduler scheduler = scheduler(8, 32, new BlockManager(16, 16, false));
        Sequence decoding = sequence(1, 4, 50);
        scheduler.add(decoding);
        complete(scheduler, scheduler.schedule());
        Sequence longPrompt = sequence(2, 70, 5);
        scheduler.add(longPrompt);
        int[] chunks = {31, 31, 8};
        for (int i = 0; i < chunks.length; i++) {
            ScheduledBatch batch = scheduler.schedule();
            assertThat(batch.sequences()).containsExactly(decoding, longPrompt);
            assertThat(batch.tokenCount(0)).as("the decode is never held up").isEqualTo(1);
            assertThat(batch.tokenCount(1)).isEqualTo(chunks[i]);
            assertThat(batch.samples(1)).isEqualTo(i == chunks.length - 1);
            complete(scheduler, batch);
        }
    }

    @Test
    void theHeadOfTheQueueIsNeverOvertaken() {
        BlockManager blocks = new BlockManager(4, 16, false);
        Scheduler scheduler = scheduler(8, 1000, blocks);
        scheduler.add(sequence(1, 33, 5));
        scheduler.schedule();
        scheduler.add(sequence(2, 40, 5));
        scheduler.add(sequence(3, 2, 5));
        scheduler.advance(scheduler.schedule());
        assertThat(scheduler.running()).hasSize(1);
        assertThat(scheduler.waitingCount()).isEqualTo(2);
    }

    @Test
    void atMostMaxNumSeqsRun() {
        Scheduler scheduler = scheduler(2, 1000, new BlockManager(16, 16, false));
        for (int i = 0; i < 3; i++) {
            scheduler.add(sequence(i, 3, 3));
        }
        assertThat(scheduler.schedule().sequences()).hasSize(2);
        assertThat(scheduler.waitingCount()).isOne();
    }

    @Test
    void theLastAdmittedGivesUpItsBlocksAndComputesAgain() {
        BlockManager blocks = new BlockManager(3, 4, false);
        Scheduler scheduler = scheduler(8, 100, blocks);
        Sequence first = sequence(1, 4, 8);
        Sequence second = sequence(2, 4, 8);
        scheduler.add(first);
        scheduler.add(second);
        complete(scheduler, scheduler.schedule());
        // Both need a second block; only one is left, so the second sequence gives way.
        ScheduledBatch batch = scheduler.schedule();
        assertThat(batch.sequences()).containsExactly(first);
        assertThat(batch.preempted()).containsExactly(second);
        assertThat(second.state()).isEqualTo(Sequence.State.PREEMPTED);
        assertThat(second.blockCount()).isZero();
        complete(scheduler, batch);
        scheduler.finish(first);
        batch = scheduler.schedule();
        assertThat(batch.sequences()).containsExactly(second);
        assertThat(batch.tokenCount(0))
                .as("prompt and what was generated, again")
                .isEqualTo(5);
        assertThat(batch.samples(0)).isTrue();
    }

    @Test
    void aSequenceThatCanNeverFitIsRefused() {
        Scheduler scheduler = scheduler(8, 100, new BlockManager(2, 4, false));
        assertThatThrownBy(() -> scheduler.add(sequence(1, 5, 5))).hasMessageContaining("10 tokens");
        scheduler.add(sequence(2, 5, 4));
    }

    @Test
    void finishingFreesBlocksInAnyState() {
        BlockManager blocks = new BlockManager(8, 4, false);
        Scheduler scheduler = scheduler(1, 3, blocks);
        Sequence midPrefill = sequence(1, 10, 5);
        Sequence queued = sequence(2, 10, 5);
        scheduler.add(midPrefill);
        scheduler.add(queued);
        scheduler.advance(scheduler.schedule());
        scheduler.finish(midPrefill);
        scheduler.finish(queued);
        scheduler.finish(queued);
        assertThat(blocks.freeBlocks()).isEqualTo(8);
        assertThat(scheduler.isIdle()).isTrue();
    }

    @Test
    void aLongPromptTakesNoMoreThanItsThreshold() {
        SchedulerConfig config = new SchedulerConfig(8, 200, 16, SchedulingPolicy.FCFS);
        Scheduler scheduler = new Scheduler(config, new BlockManager(64, 16, false));
        scheduler.add(sequence(1, 300, 5));
        scheduler.add(sequence(2, 100, 5));
        ScheduledBatch batch = scheduler.schedule();
        assertThat(batch.tokenCount(0)).as("the short part").isEqualTo(128);
        assertThat(batch.tokenCount(1))
                .as("what is left of the budget goes to others")
                .isEqualTo(72);
        complete(scheduler, batch);
        batch = scheduler.schedule();
        assertThat(batch.tokenCount(0)).as("the long part").isEqualTo(16);
        assertThat(batch.tokenCount(1)).isEqualTo(28);
    }

    @Test
    void decodesComeBeforeTheRestsOfPrompts() {
        Scheduler scheduler = scheduler(8, 20, new BlockManager(32, 16, false));
        Sequence longPrompt = sequence(1, 50, 5);
        scheduler.add(longPrompt);
        complete(scheduler, scheduler.schedule());
        complete(scheduler, scheduler.schedule());
        Sequence shortPrompt = sequence(2, 5, 50);
        scheduler.add(shortPrompt);
        complete(scheduler, scheduler.schedule());
        ScheduledBatch batch = scheduler.schedule();
        assertThat(batch.sequences()).containsExactly(longPrompt, shortPrompt);
        scheduler.add(sequence(3, 100, 5));
        complete(scheduler, batch);
        batch = scheduler.schedule();
        assertThat(batch.tokenCount(0)).isEqualTo(1);
        assertThat(batch.tokenCount(1)).isEqualTo(1);
        assertThat(batch.tokenCount(2)).isEqualTo(18);
    }

    @Test
    void priorityDecidesWhoComesFirstAndWhoGivesWay() {
        BlockManager blocks = new BlockManager(3, 4, false);
        Scheduler scheduler = new Scheduler(new SchedulerConfig(2, 100, 0, new SchedulingPolicy(true, 0)), blocks);
        Sequence low = new Sequence(1, new int[4], 12, new Sequence.Standing(5, 0, new byte[0]));
        Sequence high = new Sequence(2, new int[4], 12, new Sequence.Standing(1, 9, new byte[0]));
        scheduler.add(low);
        scheduler.add(high);
        ScheduledBatch batch = scheduler.schedule();
        assertThat(batch.sequences()).containsExactly(high, low);
        complete(scheduler, batch);
        batch = scheduler.schedule();
        assertThat(batch.sequences()).containsExactly(high);
        assertThat(batch.preempted()).containsExactly(low);
    }

    @Test
    void agingLetsALowPriorityOvertakeInTheEnd() {
        Sequence patient = new Sequence(1, new int[1], 2, new Sequence.Standing(5, 0, new byte[0]));
        Sequence early = new Sequence(2, new int[1], 2, new Sequence.Standing(0, 400, new byte[0]));
        Sequence late = new Sequence(3, new int[1], 2, new Sequence.Standing(0, 600, new byte[0]));
        SchedulingPolicy aging = new SchedulingPolicy(true, 100);
        assertThat(aging.compare(patient, early)).as("waited 4 steps' worth").isPositive();
        assertThat(aging.compare(patient, late)).as("waited 6 steps' worth").isNegative();
        assertThat(new SchedulingPolicy(true, 0).compare(patient, late)).isPositive();
    }
}
