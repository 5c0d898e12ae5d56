/**
 * The way from a journal to a backend: one {@link dev.spandrel.sidecar.delivery.Lane} per destination and signal, with
 * its own pace, so that one backend or one signal that is refused holds up nobody else. It joins the packages journal,
 * batch and exporter and knows no receiver. Start reading at {@link dev.spandrel.sidecar.delivery.BatchDelivery}.
 */
package dev.spandrel.sidecar.delivery;
