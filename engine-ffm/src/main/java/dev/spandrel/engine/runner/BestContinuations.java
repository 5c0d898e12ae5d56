package dev.spandrel.engine.runner;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/**
 * The best of many ways in which beams may go on. It holds no more of them than may live on, and copies tokens for these
 * alone: 1024 beams behind a long prompt have two million candidates, with their tokens more than a heap holds.
 */
final class BestContinuations {
    private final int width;
    private final PriorityQueue<Candidate> best;
    private int offered;

    /** @param order of equally likely ones the first is the better */
    private record Candidate(Beam beam, int token, double more, double logprob, int order)
            implements Comparable<Candidate> {
        /** The worst comes first. */
        @Override
        public int compareTo(Candidate other) {
            int byLogprob = Double.compare(logprob, other.logprob);
            return byLogprob == 0 ? Integer.compare(other.order, order) : byLogprob;
        }
    }

    /** @param width most that live on */
    BestContinuations(int width) {
        this.width = width;
        best = new PriorityQueue<>(width + 1);
    }

    /** @param more the token's log probability */
    void offer(Beam beam, int token, double more) {
        double logprob = beam.logprob() + more;
        int order = offered++;
        if (best.size() == width && Double.compare(logprob, best.peek().logprob()) <= 0) {
            return;
        }
        best.add(new Candidate(beam, token, more, logprob, order));
        if (best.size() > width) {
            best.poll();
        }
    }

    /** Those that live on, the best first; leaves nothing. */
    List<Beam> take() {
        List<Beam> beams = new ArrayList<>(best.size());
        for (Candidate worst = best.poll(); worst != null; worst = best.poll()) {
            beams.add(worst.beam().with(worst.token(), worst.more()));
        }
        return List.copyOf(beams.reversed());
    }
}
