package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.Endpoint;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.List;

/** The addresses this sidecar listens on, to tell when it is about to export to itself and feed on its own output. */
record OwnListeners(List<InetSocketAddress> addresses) {
    /** Whether a connection to the endpoint would reach one of our listeners. Asks DNS only where the port is ours. */
    boolean reachedBy(Endpoint endpoint) {
        return addresses.stream()
                .filter(address -> address.getPort() == endpoint.port())
                .anyMatch(address -> sameHost(address.getAddress(), endpoint.host()));
    }

    private static boolean sameHost(InetAddress listener, String host) {
        try {
            for (InetAddress target : InetAddress.getAllByName(host)) {
                // connecting to the wildcard address reaches this machine
                boolean same = target.equals(listener)
                        || target.isAnyLocalAddress() && (listener.isAnyLocalAddress() || listener.isLoopbackAddress())
                        || listener.isAnyLocalAddress() && ours(target);
                if (same) {
                    return true;
                }
            }
            return false;
        } catch (UnknownHostException | SocketException e) {
            // a name that does not resolve is not us; the exporter will say so and try again
            return false;
        }
    }

    private static boolean ours(InetAddress target) throws SocketException {
        return target.isLoopbackAddress() || NetworkInterface.getByInetAddress(target) != null;
    }
}
