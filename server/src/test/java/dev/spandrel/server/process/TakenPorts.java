package dev.spandrel.server.process;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;

/** Listens on ports, so that others find them taken; where someone else does already, that serves as well. */
final class TakenPorts implements AutoCloseable {
    private static final int BACKLOG = 64;

    private final List<ServerSocket> sockets = new ArrayList<>();

    TakenPorts(int... ports) {
        for (int port : ports) {
            try {
                sockets.add(new ServerSocket(port, BACKLOG, InetAddress.getLoopbackAddress()));
            } catch (IOException e) {
                System.getLogger(TakenPorts.class.getName())
                        .log(System.Logger.Level.INFO, "port {0} is taken already", String.valueOf(port));
            }
        }
    }

    @Override
    public void close() throws IOException {
        for (ServerSocket socket : sockets) {
            socket.close();
        }
    }
}
