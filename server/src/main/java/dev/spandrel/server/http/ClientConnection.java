package dev.spandrel.server.http;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.webserver.CloseConnectionException;
import java.util.ArrayDeque;

/**
 * One client's connection, seen from its reading side. While a request is watched, a second virtual thread reads ahead,
 * so the end of the stream is noticed at once although the handler is busy; bytes that arrive instead (a pipelined
 * request) are kept and handed to Helidon's parser when it asks. At most one thread reads the socket at any time, so
 * nothing is lost or reordered and no thread is ever interrupted out of a read.
 */
public final class ClientConnection {
    /** Bytes of pipelined requests kept while one is answered; a client that sends more is no longer watched. */
    static final int READ_AHEAD_LIMIT = 64 * 1024;

    private static final ScopedValue<ClientConnection> CURRENT = ScopedValue.newInstance();

    private final DataReader socket;
    private final ArrayDeque<byte[]> ahead = new ArrayDeque<>();
    private int aheadBytes;
    private boolean readingAhead;
    private boolean gone;
    private Watch watch;

    ClientConnection(DataReader socket) {
        this.socket = socket;
    }

    static ScopedValue<ClientConnection> scope() {
        return CURRENT;
    }

    /**
     * The connection whose request the calling thread handles.
     *
     * @throws IllegalStateException outside of a request that came in through {@link WatchedHttp1Selector}
     */
    public static ClientConnection current() {
        if (!CURRENT.isBound()) {
            throw new IllegalStateException("no client connection here: the listener lacks a WatchedHttp1Selector");
        }
        return CURRENT.get();
    }

    /**
     * Starts watching for the client's leaving: closed, reset, or its sending side closed. Call it when the request's
     * entity has been read to its end.
     *
     * @param onGone told once, on another thread, when the client leaves; must not block. After it the thread that
     *     called this method is interrupted, so whatever it waits for ends
     * @return ends the watch when closed; afterwards neither call nor interrupt comes
     */
    public synchronized Watch watch(Runnable onGone) {
        if (watch != null) {
            throw new IllegalStateException("this connection is already watched");
        }
        watch = new Watch(onGone, Thread.currentThread());
        if (gone) {
            watch.fire();
        } else if (!readingAhead && aheadBytes < READ_AHEAD_LIMIT) {
            readingAhead = true;
            Thread.ofVirtual().name("read-ahead").start(this::readAhead);
        }
        return watch;
    }

    synchronized boolean watched() {
        return watch != null;
    }

    /**
     * The next bytes for the HTTP parser; called by the connection's own thread.
     *
     * @throws CloseConnectionException at the end: null, as readers are told otherwise, Helidon would log as its own failure
     *     where a client leaves in the middle of a head
     */
    byte[] next() {
        synchronized (this) {
            awaitReadAhead();
            byte[] bytes = ahead.poll();
            if (bytes != null) {
                aheadBytes -= bytes.length;
                return bytes;
            }
            if (gone) {
                throw left();
            }
        }
        byte[] bytes = read();
        if (bytes == null) {
            throw left();
        }
        return bytes;
    }

    private static CloseConnectionException left() {
        return new CloseConnectionException("the client left");
    }

    private void awaitReadAhead() {
        try {
            while (ahead.isEmpty() && readingAhead) {
                wait();
            }
        } catch (InterruptedException e) {
            // Helidon interrupts a connection that waits for its next request in order to close it.
            throw new CloseConnectionException("closed while waiting for the next request", e);
        }
    }

    private byte[] read() {
        try {
            BufferData data = socket.readBuffer();
            return data.readBytes();
        } catch (DataReader.InsufficientDataAvailableException e) {
            return null;
        }
    }

    private void readAhead() {
        boolean more = true;
        while (more) {
            byte[] bytes;
            try {
                bytes = read();
            } catch (RuntimeException e) {
                // Reset by the client, or closed by us: either way nobody is there any more.
                bytes = null;
            }
            more = keep(bytes);
        }
    }

    private synchronized boolean keep(byte[] bytes) {
        if (bytes == null) {
            gone = true;
            if (watch != null) {
                watch.fire();
            }
        } else {
            ahead.add(bytes);
            aheadBytes += bytes.length;
        }
        readingAhead = !gone && watch != null && aheadBytes < READ_AHEAD_LIMIT;
        notifyAll();
        return readingAhead;
    }

    /** A watch under way; the thread that began it closes it. */
    public final class Watch implements AutoCloseable {
        private final Runnable onGone;
        private final Thread handler;
        private boolean fired;

        private Watch(Runnable onGone, Thread handler) {
            this.onGone = onGone;
            this.handler = handler;
        }

        /** Whether the client has left. */
        public boolean clientGone() {
            synchronized (ClientConnection.this) {
                return fired;
            }
        }

        private void fire() {
            fired = true;
            onGone.run();
            handler.interrupt();
        }

        @Override
        public void close() {
            synchronized (ClientConnection.this) {
                watch = null;
                if (fired) {
                    // The interrupt was ours; the thread's next user must not find it.
                    Thread.interrupted();
                }
            }
        }
    }
}
