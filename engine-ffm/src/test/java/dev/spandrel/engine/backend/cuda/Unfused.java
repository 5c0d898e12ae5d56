package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Backend;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/** A backend's single verbs alone: those made of others run as the interface makes them. */
final class Unfused {
    private final Backend backend;

    Unfused(Backend backend) {
        this.backend = (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, arguments) -> {
                    boolean step = method.getName().endsWith("Step");
                    if (method.isDefault() && !step) {
                        return InvocationHandler.invokeDefault(proxy, method, arguments);
                    }
                    try {
                        return method.invoke(backend, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    Backend backend() {
        return backend;
    }
}
