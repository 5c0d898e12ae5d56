package dev.spandrel.server.openai;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * The generations behind one HTTP request, read as one sequence of events. A single one is read directly; several are
 * each read by a virtual thread that passes events on through one bounded queue. All start or none.
 */
final class GenerationGroup implements AutoCloseable {
    /** Enough that a burst of one step fits for most n; a full queue only makes the readers wait. */
    private static final int QUEUE = 256;

    private final List<Generation> generations;
    private final int[] tokens;
    private TokenObserver observer = (_, _, _, _) -> {};
    private final List<Thread> readers = new ArrayList<>();
    private final BlockingQueue<Arrival> arrivals = new ArrayBlockingQueue<>(QUEUE);

    /** What a reader got: an event, or the failure of reading. */
    private record Arrival(int index, GenerationEvent event, RuntimeException failure) {}

    /** Told of every event, on the thread that called {@link #forEach}. */
    @FunctionalInterface
    interface Handler {
        /** @return false to stop reading */
        boolean on(int index, GenerationEvent event) throws java.io.IOException;
    }

    /** Told of tokens, on the thread that called {@link #forEach}, before its handler is. */
    @FunctionalInterface
    interface TokenObserver {
        void on(int index, Generation generation, int from, int count);
    }

    private GenerationGroup(List<Generation> generations) {
        this.generations = generations;
        this.tokens = new int[generations.size()];
    }

    /** Has somebody told of tokens from now on. */
    void observe(TokenObserver by) {
        observer = by;
    }

    private boolean on(Handler handler, int index, GenerationEvent event) throws java.io.IOException {
        int more = switch (event) {
            case GenerationEvent.TextDelta delta -> delta.tokens();
            case GenerationEvent.Finished finished -> finished.tokens();
        };
        if (more > 0) {
            observer.on(index, generations.get(index), tokens[index], more);
            tokens[index] += more;
        }
        return handler.on(index, event);
    }

    /**
     * Submits all requests.
     *
     * @throws EngineException when one is refused; those before it are cancelled
     */
    static GenerationGroup submit(Engine engine, GenerationCall call, List<GenerationRequest> requests) {
        List<Generation> started = new ArrayList<>(requests.size());
        try {
            requests.forEach(request -> started.addAll(start(engine, call, request)));
        } catch (EngineException e) {
            started.forEach(Generation::close);
            throw e;
        }
        return new GenerationGroup(started);
    }

    private static List<Generation> start(Engine engine, GenerationCall call, GenerationRequest request) {
        return call.beams().on()
                ? engine.beamSearch(request, call.n(), call.beams().lengthPenalty())
                : List.of(engine.submit(request));
    }

    Generation get(int index) {
        return generations.get(index);
    }

    /**
     * Reads until every generation has finished, or the handler has enough.
     *
     * @throws InterruptedException when the calling thread is interrupted
     * @throws java.io.IOException as the handler throws
     * @throws IllegalStateException when the group was closed meanwhile
     */
    void forEach(Handler handler) throws InterruptedException, java.io.IOException {
        if (generations.size() == 1) {
            readOne(handler);
        } else {
            readMany(handler);
        }
    }

    private void readOne(Handler handler) throws InterruptedException, java.io.IOException {
        GenerationEvent event;
        do {
            event = generations.getFirst().next();
            if (!on(handler, 0, event)) {
                return;
            }
        } while (!(event instanceof GenerationEvent.Finished));
    }

    private void readMany(Handler handler) throws InterruptedException, java.io.IOException {
        for (int i = 0; i < generations.size(); i++) {
            int index = i;
            readers.add(Thread.ofVirtual().name("choice-" + i).start(() -> read(index)));
        }
        int running = generations.size();
        while (running > 0) {
            Arrival arrival = arrivals.take();
            if (arrival.failure() != null) {
                throw arrival.failure();
            }
            if (!on(handler, arrival.index(), arrival.event())) {
                return;
            }
            if (arrival.event() instanceof GenerationEvent.Finished) {
                running--;
            }
        }
    }

    private void read(int index) {
        try {
            GenerationEvent event;
            do {
                event = generations.get(index).next();
                arrivals.put(new Arrival(index, event, null));
            } while (!(event instanceof GenerationEvent.Finished));
        } catch (RuntimeException e) {
            pass(new Arrival(index, null, e));
        } catch (InterruptedException e) {
            // The group was closed: nobody reads what we would pass on.
            Thread.currentThread().interrupt();
        }
    }

    private void pass(Arrival failure) {
        try {
            arrivals.put(failure);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Cancels whatever still runs. */
    @Override
    public void close() {
        generations.forEach(Generation::close);
    }

    /** Ends the readers; called by the thread of {@link #forEach} after {@link #close}. */
    void stopReaders() {
        readers.forEach(Thread::interrupt);
    }
}
