package dev.spandrel.server.http;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;

/** The server's key as of now. The alias of an exchange names the key manager it began with, so a change mixes no two. */
final class CurrentKeys extends X509ExtendedKeyManager {
    private volatile X509ExtendedKeyManager current;
    private volatile X509ExtendedKeyManager before;
    private volatile int generation;

    CurrentKeys(X509ExtendedKeyManager first) {
        current = first;
        before = first;
    }

    synchronized void use(X509ExtendedKeyManager next) {
        before = current;
        current = next;
        generation++;
    }

    private String named(String alias) {
        return alias == null ? null : generation + ":" + alias;
    }

    private X509ExtendedKeyManager of(String alias) {
        return alias.startsWith(generation + ":") ? current : before;
    }

    private static String plain(String alias) {
        return alias.substring(alias.indexOf(':') + 1);
    }

    @Override
    public synchronized String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
        return named(current.chooseServerAlias(keyType, issuers, socket));
    }

    @Override
    public synchronized String chooseEngineServerAlias(String keyType, Principal[] issuers, SSLEngine engine) {
        return named(current.chooseEngineServerAlias(keyType, issuers, engine));
    }

    @Override
    public synchronized X509Certificate[] getCertificateChain(String alias) {
        return of(alias).getCertificateChain(plain(alias));
    }

    @Override
    public synchronized PrivateKey getPrivateKey(String alias) {
        return of(alias).getPrivateKey(plain(alias));
    }

    @Override
    public String[] getServerAliases(String keyType, Principal[] issuers) {
        return current.getServerAliases(keyType, issuers);
    }

    @Override
    public String[] getClientAliases(String keyType, Principal[] issuers) {
        return null;
    }

    @Override
    public String chooseClientAlias(String[] keyType, Principal[] issuers, Socket socket) {
        return null;
    }
}
