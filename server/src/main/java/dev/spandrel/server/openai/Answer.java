package dev.spandrel.server.openai;

import java.io.IOException;
import java.util.List;

/** How the events of one call become what the client reads. Used by the request's thread only. */
interface Answer {
    /**
     * Reads all events and writes the answer.
     *
     * @param beforeLast told before the last bytes are written: from then on a client that leaves has what it came for
     * @throws OpenAiException when a choice failed before anything was written
     */
    void write(Runnable beforeLast) throws InterruptedException, IOException;

    /** The choices so far. */
    List<Choice> choices();
}
