package dev.spandrel.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;

/** The address to listen on, checked before a model is loaded for nothing. */
record Ports(InetSocketAddress address) {

    /**
     * Finds the address and tries it.
     *
     * @param host null = all addresses
     * @throws StartException when there is no such address, or its port is taken
     */
    static Ports check(String host, int port) {
        Ports ports = new Ports(address(host, port));
        if (port != 0) {
            ports.tryOut();
        }
        return ports;
    }

    static InetSocketAddress address(String host, int port) {
        try {
            return host == null
                    ? new InetSocketAddress(port)
                    : new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (UnknownHostException e) {
            throw new StartException("--host must be an address of this machine, found \"" + host + "\"", e);
        }
    }

    private void tryOut() {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(address);
        } catch (IOException e) {
            throw taken(e);
        }
    }

    /** What to tell when listening failed. */
    StartException taken(Exception cause) {
        Throwable root = cause instanceof java.io.UncheckedIOException unchecked ? unchecked.getCause() : cause;
        return new StartException(
                "cannot listen on " + address.getAddress().getHostAddress() + " port " + address.getPort() + ": "
                        + root.getMessage() + "; choose another with --port, or --port 0 for any free one",
                cause);
    }
}
