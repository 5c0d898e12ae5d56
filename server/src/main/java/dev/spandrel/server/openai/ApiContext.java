package dev.spandrel.server.openai;

import dev.spandrel.engine.Engine;
import dev.spandrel.server.http.WriteWatchdog;
import java.time.InstantSource;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * What the services of the API share.
 *
 * @param engine answers
 * @param model as clients see it
 * @param listener hears of every generation
 * @param watchdog ends writes to clients that do not read
 * @param draining true once the server is stopping and takes no more generations
 * @param underWay told +1 when an answer goes on without its client, −1 when it is over
 * @param nanoClock the engine's monotonic clock
 * @param clock for {@code created}
 * @param random for request ids
 */
public record ApiContext(
        Engine engine,
        ServedModel model,
        GenerationListener listener,
        WriteWatchdog watchdog,
        BooleanSupplier draining,
        IntConsumer underWay,
        LongSupplier nanoClock,
        InstantSource clock,
        RandomGenerator random) {}
