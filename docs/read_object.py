#!/usr/bin/env python3
"""Opens a stored object without S3: its ciphertext from the disk, its data key from `aws kms decrypt`.

    python docs/read_object.py s3://bucket/key > body         (AWS_ENDPOINT_URL and credentials as for aws)
    python docs/read_object.py s3://bucket/key HEX > body     (SSE-C: with the customer's key)
"""
import base64, hashlib, hmac, json, os, subprocess, sys, tempfile, urllib.parse, urllib.request
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")

def hkdf(key, salt, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)

def unwrap(kek, aad, wrapped):
    """01 ‖ salt 16 ‖ nonce 12 ‖ ciphertext ‖ tag; the key is SP 800-108 (counter mode, HMAC-SHA256) of the salt."""
    salt, nonce, sealed = wrapped[1:17], wrapped[17:29], wrapped[29:]
    fixed = b"sse-sim wrap\0" + salt + (256).to_bytes(4, "big")
    key = hmac.digest(kek, (1).to_bytes(4, "big") + fixed, "sha256")
    return AESGCM(key).decrypt(nonce, sealed, aad)

def kms_decrypt(blob, context):
    with tempfile.NamedTemporaryFile() as file:
        file.write(blob), file.flush()
        command = ["aws", "kms", "decrypt", "--ciphertext-blob", f"fileb://{file.name}", "--encryption-context",
                   json.dumps(context), "--query", "Plaintext", "--output", "text"]
        return base64.b64decode(subprocess.run(command, check=True, capture_output=True).stdout)

def data_key(view, customer):
    wrapped, how, aad = base64.b64decode(view["wrappedKey"]), view["wrapping"], view["arn"].encode()
    if view["encryption"] == "SSE-C":
        derived = hkdf(bytes.fromhex(customer), bytes.fromhex(how["salt"]), b"SEA1 customer key", 64)
        return unwrap(derived[:32], aad, wrapped)
    if not view["encryption"].startswith("SSE-KMS"):
        sys.exit(f"{view['encryption']}: {view['whoCanUnwrap']}")
    if how.get("bucketKey"):
        return unwrap(kms_decrypt(base64.b64decode(how["bucketKey"]["wrappedKey"]), how["encryptionContext"]), aad, wrapped)
    key = kms_decrypt(wrapped, how["encryptionContext"])
    return unwrap(key, aad, base64.b64decode(how["carriedKey"])) if how["carriedKey"] else key

def open_piece(sealed, key):
    """96 bytes of header, then segments of 64 KiB, each with its tag."""
    header, salt, commitment = sealed[:96], sealed[24:56], sealed[56:88]
    derived = hkdf(key, salt, b"SEA1" + header[4:5] + header[8:24] + header[6:8], 71)
    assert hmac.compare_digest(derived[39:], commitment), "not the key of this body"
    segments = [sealed[at : at + 65552] for at in range(96, len(sealed), 65552)]
    nonces = [derived[32:39] + i.to_bytes(4, "big") + bytes([i == len(segments) - 1]) for i in range(len(segments))]
    aes, aad = AESGCM(derived[:32]), hashlib.sha256(header).digest()
    return b"".join(aes.decrypt(nonce, segment, aad) for nonce, segment in zip(nonces, segments))

bucket, name = sys.argv[1].removeprefix("s3://").split("/", 1)
query = urllib.parse.urlencode({"bucket": bucket, "key": name})
view = json.load(urllib.request.urlopen(f"{ENDPOINT}/_sim/object?{query}"))
key = data_key(view, sys.argv[2] if len(sys.argv) > 2 else "")
for piece in view["pieces"]:
    stored = base64.b64decode(piece["inline"]) if piece["inline"] else open(piece["file"], "rb").read()
    sys.stdout.buffer.write(open_piece(stored, key))
