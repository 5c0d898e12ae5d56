"""Quantizes the matrices of a GGUF file in F32. gguf-py has no quantizer for the K types; these are plain ones: they need not
be good, since what they made is read back by gguf-py for the expected values."""
import gguf
import numpy as np

Q = gguf.GGMLQuantizationType


def halves(values):
    return np.asarray(values, dtype="<f2").reshape(-1, 1).view(np.uint8)


def k_scales(scales, minima):
    """Eight scales and eight minima of six bits in twelve bytes."""
    out = np.zeros((len(scales), 12), dtype=np.uint8)
    out[:, 0:4] = scales[:, :4] | (scales[:, 4:] >> 4) << 6
    out[:, 4:8] = minima[:, :4] | (minima[:, 4:] >> 4) << 6
    out[:, 8:12] = (scales[:, 4:] & 15) | (minima[:, 4:] & 15) << 4
    return out


def q4_q5_k(rows, bits):
    parts = rows.reshape(-1, 8, 32)
    low, high = np.minimum(parts.min(-1), 0), parts.max(-1)
    steps = (high - low) / (2**bits - 1)
    d, dmin = steps.max(-1) / 63, (-low).max(-1) / 63
    d, dmin = np.float16(d).astype(np.float32), np.float16(dmin).astype(np.float32)
    scales = np.clip(np.round(steps / np.maximum(d, 1e-9)[:, None]), 0, 63).astype(np.uint8)
    minima = np.clip(np.round(-low / np.maximum(dmin, 1e-9)[:, None]), 0, 63).astype(np.uint8)
    step = (d[:, None] * scales)[..., None]
    shifted = parts + (dmin[:, None] * minima)[..., None]
    values = np.clip(np.round(shifted / np.where(step == 0, 1, step)), 0, 2**bits - 1).astype(np.uint8)
    nibbles = ((values[:, 0::2] & 15) | (values[:, 1::2] & 15) << 4).reshape(-1, 128)
    fifth = np.zeros((len(values), 32), dtype=np.uint8)
    for part in range(8):
        fifth |= (values[:, part] >> 4) << part
    head = [halves(d), halves(dmin), k_scales(scales, minima)]
    return np.concatenate(head + ([fifth] if bits == 5 else []) + [nibbles], axis=1)


def quarters(values):
    """Two bits of 256 values in 64 bytes: four runs of 32 in the bits of 32 bytes, twice."""
    halves = values.reshape(-1, 2, 4, 32).astype(np.uint8)
    return sum((halves[:, :, i] & 3) << 2 * i for i in range(4)).astype(np.uint8).reshape(-1, 64)


def q2_k(rows):
    """Sixteen scales and minima of four bits, a byte for both."""
    parts = rows.reshape(-1, 16, 16)
    low, high = np.minimum(parts.min(-1), 0), parts.max(-1)
    steps = (high - low) / 3
    d, dmin = np.float16(steps.max(-1) / 15).astype(np.float32), np.float16((-low).max(-1) / 15).astype(np.float32)
    scales = np.clip(np.round(steps / np.maximum(d, 1e-9)[:, None]), 0, 15).astype(np.uint8)
    minima = np.clip(np.round(-low / np.maximum(dmin, 1e-9)[:, None]), 0, 15).astype(np.uint8)
    step = (d[:, None] * scales)[..., None]
    shifted = parts + (dmin[:, None] * minima)[..., None]
    values = np.clip(np.round(shifted / np.where(step == 0, 1, step)), 0, 3)
    return np.concatenate([scales | minima << 4, quarters(values), halves(d), halves(dmin)], axis=1)


def q3_k(rows):
    """Sixteen scales of six bits around 32 in twelve bytes: their lower four bits, then their upper two."""
    parts = rows.reshape(-1, 16, 16)
    steps = np.abs(parts).max(-1) / 3.5
    d = np.float16(np.maximum(steps.max(-1), 1e-6) / 31).astype(np.float32)
    scales = np.clip(np.round(steps / d[:, None]), 1, 31).astype(np.int16)
    # Scales may be negative: every other one is, as an odd quantizer would have it.
    scales[:, 1::2] *= -1
    values = np.clip(np.round(parts / (d[:, None] * scales)[..., None]), -4, 3).astype(np.int16).reshape(-1, 8, 32) + 4
    third = sum((values[:, i] >> 2) << i for i in range(8)).astype(np.uint8)
    bits = (scales + 32).astype(np.uint8)
    packed = np.zeros((len(bits), 12), dtype=np.uint8)
    packed[:, :8] = bits[:, :8] & 15 | (bits[:, 8:] & 15) << 4
    packed[:, 8:] = sum((bits[:, 4 * i : 4 * i + 4] >> 4) << 2 * i for i in range(4))
    return np.concatenate([third, quarters(values), packed, halves(d)], axis=1)


def q6_k(rows):
    parts = rows.reshape(-1, 16, 16)
    steps = np.abs(parts).max(-1) / 31
    d = np.float16(np.maximum(steps.max(-1), 1e-6) / 127).astype(np.float32)
    scales = np.clip(np.round(steps / d[:, None]), 1, 127).astype(np.int8)
    values = np.clip(np.round(parts / (d[:, None] * scales)[..., None]), -32, 31).astype(np.int16) + 32
    fours = values.reshape(-1, 2, 4, 32).astype(np.uint8)
    low = np.concatenate([(fours[:, :, :2] & 15) | (fours[:, :, 2:] & 15) << 4], axis=2).reshape(-1, 128)
    high = quarters(values >> 4)
    return np.concatenate([low, high, scales.view(np.uint8), halves(d)], axis=1)


def blocks(values, kind):
    if kind in (Q.Q4_K, Q.Q5_K):
        packed = q4_q5_k(values, 4 if kind == Q.Q4_K else 5)
    elif kind == Q.Q2_K:
        packed = q2_k(values)
    elif kind == Q.Q3_K:
        packed = q3_k(values)
    elif kind == Q.Q6_K:
        packed = q6_k(values)
    else:
        return gguf.quants.quantize(values, kind)
    return packed.reshape(values.shape[0], -1)


def quantize(source, target, type_name):
    """Copies every key; matrices whose rows are whole blocks are quantized, all else stays."""
    kind = Q[type_name]
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kinds = field.types
        writer.add_key_value(field.name, field.contents(), kinds[0], kinds[-1] if len(kinds) > 1 else None)
    for tensor in reader.tensors:
        values = np.array(tensor.data)
        elements, _ = gguf.GGML_QUANT_SIZES[kind]
        if values.ndim == 2 and values.shape[-1] % elements == 0 and tensor.name != "position_embd.weight":
            writer.add_tensor(tensor.name, blocks(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
