package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.cuda.CudaException;
import java.util.Collection;
import java.util.List;

/** Closes many things, all of them, whatever some of them throw. */
final class Closing {
    private Closing() {}

    /** @throws CudaException the first failure, after everything was tried */
    static void all(Collection<? extends AutoCloseable> things) {
        CudaException first = null;
        for (AutoCloseable thing : List.copyOf(things)) {
            try {
                thing.close();
            } catch (CudaException e) {
                first = first == null ? e : first;
            } catch (Exception e) {
                throw new IllegalStateException(thing + " throws what it should not", e);
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
