"""Key pairs and HMAC keys as boto3 sees them, with `cryptography` and openssl as the other hand."""

import hashlib
import hmac
import json
import os
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

MESSAGE = b"pay 100 to the bearer"
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"ECC_NIST_P256": "256", "ECC_NIST_P384": "384", "ECC_NIST_P521": "512", "ECC_SECG_P256K1": "256"}


def make(kms, spec, usage, **more):
    return kms.create_key(KeySpec=spec, KeyUsage=usage, **more)["KeyMetadata"]


def public_key(kms, key):
    return serialization.load_der_public_key(kms.get_public_key(KeyId=key["KeyId"])["PublicKey"])


@pytest.fixture(scope="module")
def rsa_signer(server):
    from support import People

    kms = People(server).root("kms")
    return kms, make(kms, "RSA_2048", "SIGN_VERIFY")


@pytest.fixture(scope="module")
def rsa_opener(server):
    from support import People

    kms = People(server).root("kms")
    return kms, make(kms, "RSA_2048", "ENCRYPT_DECRYPT")


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize(
    "spec, usage, member, algorithms",
    [
        ("RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
        ("ECC_NIST_P256", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_256"]),
        ("ECC_NIST_P384", "KEY_AGREEMENT", "KeyAgreementAlgorithms", ["ECDH"]),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "SigningAlgorithms", ["ED25519_PH_SHA_512", "ED25519_SHA_512"]),
        ("ML_DSA_65", "SIGN_VERIFY", "SigningAlgorithms", ["ML_DSA_SHAKE_256"]),
        ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE", "EncapsulationAlgorithms", ["ML_KEM"]),
        ("HMAC_224", "GENERATE_VERIFY_MAC", "MacAlgorithms", ["HMAC_SHA_224"]),
    ],
)
def test_metadata_says_what_a_key_can_do(kms, spec, usage, member, algorithms):
    made = make(kms, spec, usage)
    assert (made["KeySpec"], made["CustomerMasterKeySpec"], made["KeyUsage"]) == (spec, spec, usage)
    lists = [name for name in made if name.endswith("Algorithms")]
    assert (lists, made[member]) == ([member], algorithms)
    assert "CurrentKeyMaterialId" not in made
    assert kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"] == made


@pytest.mark.parametrize("spec, bits", [("RSA_3072", 3072), ("RSA_4096", 4096)])
def test_longer_rsa_keys_are_as_long_as_they_say(kms, spec, bits):
    key = make(kms, spec, "SIGN_VERIFY")
    public = public_key(kms, key)
    assert (public.key_size, public.public_numbers().e) == (bits, 65537)
    how = "RSASSA_PSS_SHA_512"
    signature = kms.sign(KeyId=key["KeyId"], Message=MESSAGE, SigningAlgorithm=how)["Signature"]
    assert len(signature) == bits // 8
    public.verify(signature, MESSAGE, padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512())


def test_usage_and_spec_must_go_together(kms, refused):
    def message(**arguments):
        return refused("ValidationException", kms.create_key, **arguments)["Error"]["Message"]

    assert message(KeySpec="RSA_2048") == (
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
    )
    wrong = message(KeySpec="RSA_2048", KeyUsage="KEY_AGREEMENT")
    assert wrong == "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"
    refused("UnsupportedOperationException", kms.create_key, KeySpec="SM2", KeyUsage="SIGN_VERIFY")


def test_neither_pairs_nor_hmac_keys_rotate(kms, refused):
    for spec, usage in [("HMAC_256", "GENERATE_VERIFY_MAC"), ("ECC_NIST_P256", "SIGN_VERIFY")]:
        key = make(kms, spec, usage)["KeyId"]
        error = refused("UnsupportedOperationException", kms.enable_key_rotation, KeyId=key)["Error"]
        assert error.get("Message", "") == ""
        refused("UnsupportedOperationException", kms.rotate_key_on_demand, KeyId=key)
        assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
        kms.disable_key_rotation(KeyId=key)


def test_a_symmetric_key_has_no_public_half(kms, key, refused):
    refused("UnsupportedOperationException", kms.get_public_key, KeyId=key["KeyId"])
    refused("InvalidKeyUsageException", kms.sign, KeyId=key["KeyId"], Message=b"x", SigningAlgorithm="ECDSA_SHA_256")


# ---------------------------------------------------------------- signatures


@pytest.mark.parametrize("size", ["256", "384", "512"])
@pytest.mark.parametrize("scheme", ["RSASSA_PSS", "RSASSA_PKCS1_V1_5"])
@pytest.mark.parametrize("kind", ["RAW", "DIGEST"])
def test_rsa_signatures_verify_outside(rsa_signer, scheme, size, kind):
    kms, key = rsa_signer
    hash_ = HASHES[size]
    digest = hashlib.new(f"sha{size}", MESSAGE).digest()
    how = f"{scheme}_SHA_{size}"
    signed = kms.sign(
        KeyId=key["KeyId"], Message=MESSAGE if kind == "RAW" else digest, MessageType=kind, SigningAlgorithm=how
    )
    assert (signed["KeyId"], signed["SigningAlgorithm"]) == (key["Arn"], how)
    pad = padding.PSS(padding.MGF1(hash_), hash_.digest_size) if "PSS" in scheme else padding.PKCS1v15()
    public_key(kms, key).verify(signed["Signature"], digest, pad, utils.Prehashed(hash_))
    verified = kms.verify(
        KeyId=key["KeyId"], Message=MESSAGE, Signature=signed["Signature"], SigningAlgorithm=how
    )
    assert verified["SignatureValid"] is True


@pytest.mark.parametrize("spec", CURVES)
def test_ecdsa_signatures_verify_outside(kms, spec):
    key = make(kms, spec, "SIGN_VERIFY")
    how, hash_ = f"ECDSA_SHA_{CURVES[spec]}", HASHES[CURVES[spec]]
    signature = kms.sign(KeyId=key["KeyId"], Message=MESSAGE, SigningAlgorithm=how)["Signature"]
    public = public_key(kms, key)
    public.verify(signature, MESSAGE, ec.ECDSA(hash_))
    with pytest.raises(InvalidSignature):
        public.verify(signature, MESSAGE + b"0", ec.ECDSA(hash_))


def test_ed25519_signatures_verify_outside(kms, refused):
    key = make(kms, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")["KeyId"]
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")["Signature"]
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, ed25519.Ed25519PublicKey)
    public.verify(signature, MESSAGE)
    raw = {"KeyId": key, "Message": MESSAGE, "MessageType": "RAW"}
    error = refused("ValidationException", kms.sign, **raw, SigningAlgorithm="ED25519_PH_SHA_512")["Error"]
    assert error["Message"] == "Message type RAW is incompatible with algorithm ED25519_PH_SHA_512."
    digest = {"KeyId": key, "Message": hashlib.sha512(MESSAGE).digest(), "MessageType": "DIGEST"}
    refused("ValidationException", kms.sign, **digest, SigningAlgorithm="ED25519_SHA_512")
    hashed = kms.sign(**digest, SigningAlgorithm="ED25519_PH_SHA_512")["Signature"]
    assert kms.verify(**digest, Signature=hashed, SigningAlgorithm="ED25519_PH_SHA_512")["SignatureValid"]


@pytest.mark.parametrize("spec, length", [("ML_DSA_44", 2420), ("ML_DSA_65", 3309), ("ML_DSA_87", 4627)])
def test_ml_dsa_signs_messages_and_their_representatives(kms, spec, length):
    key = make(kms, spec, "SIGN_VERIFY")["KeyId"]
    how = {"KeyId": key, "SigningAlgorithm": "ML_DSA_SHAKE_256"}
    signature = kms.sign(Message=MESSAGE, **how)["Signature"]
    assert len(signature) == length
    assert kms.sign(Message=MESSAGE, **how)["Signature"] != signature
    # FIPS 204, algorithm 7, line 6: mu = H(H(pk) || 0 || |ctx| || ctx || M), with an empty context. The public key
    # is what follows the algorithm in the SubjectPublicKeyInfo.
    raw = kms.get_public_key(KeyId=key)["PublicKey"][-{2420: 1312, 3309: 1952, 4627: 2592}[length]:]
    mu = hashlib.shake_256(hashlib.shake_256(raw).digest(64) + b"\0\0" + MESSAGE).digest(64)
    assert kms.verify(Message=mu, MessageType="EXTERNAL_MU", Signature=signature, **how)["SignatureValid"]
    of_mu = kms.sign(Message=mu, MessageType="EXTERNAL_MU", **how)["Signature"]
    assert kms.verify(Message=MESSAGE, Signature=of_mu, **how)["SignatureValid"]


def test_openssl_verifies_what_we_signed(rsa_signer, tmp_path):
    kms, key = rsa_signer
    (tmp_path / "public.der").write_bytes(kms.get_public_key(KeyId=key["KeyId"])["PublicKey"])
    (tmp_path / "message").write_bytes(MESSAGE)
    signed = kms.sign(KeyId=key["KeyId"], Message=MESSAGE, SigningAlgorithm="RSASSA_PSS_SHA_256")
    (tmp_path / "signature").write_bytes(signed["Signature"])
    command = "openssl dgst -sha256 -verify public.der -keyform DER -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -signature signature message"
    told = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "Verified OK"


def test_a_wrong_signature_is_an_exception_without_words(kms, refused):
    key = make(kms, "ECC_NIST_P256", "SIGN_VERIFY")["KeyId"]
    how = {"KeyId": key, "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(Message=MESSAGE, **how)["Signature"]
    for message, bytes_ in [(b"another", signature), (MESSAGE, signature[:-1]), (MESSAGE, b"\x30\x00")]:
        error = refused("KMSInvalidSignatureException", kms.verify, Message=message, Signature=bytes_, **how)
        assert error["Error"].get("Message", "") == ""
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_algorithms_and_digests_must_fit(rsa_signer, refused):
    kms, key = rsa_signer
    with_ = {"KeyId": key["KeyId"], "Message": b"x" * 32}
    error = refused("InvalidKeyUsageException", kms.sign, **with_, SigningAlgorithm="ECDSA_SHA_256")["Error"]
    assert error["Message"] == "Algorithm ECDSA_SHA_256 is incompatible with key spec RSA_2048."
    error = refused(
        "ValidationException", kms.sign, **with_, MessageType="DIGEST", SigningAlgorithm="RSASSA_PSS_SHA_512"
    )["Error"]
    assert error["Message"] == "Digest is invalid length for algorithm RSASSA_PSS_SHA_512."
    error = refused("InvalidKeyUsageException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")["Error"]
    assert error["Message"] == f"{key['Arn']} key usage is SIGN_VERIFY which is not valid for Encrypt."
    refused("ValidationException", kms.sign, KeyId=key["KeyId"], Message=b"x" * 4097, SigningAlgorithm="RSASSA_PSS_SHA_256")


def test_a_disabled_key_signs_nothing_but_shows_its_public_half(kms, refused):
    key = make(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    before = kms.get_public_key(KeyId=key["KeyId"])
    kms.disable_key(KeyId=key["KeyId"])
    with_ = {"KeyId": key["KeyId"], "Message": b"x"}
    refused("DisabledException", kms.sign, **with_, SigningAlgorithm="RSASSA_PSS_SHA_256")
    assert kms.get_public_key(KeyId=key["KeyId"])["PublicKey"] == before["PublicKey"]
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    refused("KMSInvalidStateException", kms.get_public_key, KeyId=key["KeyId"])


# ---------------------------------------------------------------- encryption


@pytest.mark.parametrize("how, hash_, longest", [("RSAES_OAEP_SHA_1", hashes.SHA1(), 214), ("RSAES_OAEP_SHA_256", hashes.SHA256(), 190)])
def test_what_others_encrypt_to_our_key_opens(rsa_opener, refused, how, hash_, longest):
    kms, key = rsa_opener
    oaep = padding.OAEP(padding.MGF1(hash_), hash_, None)
    sealed = public_key(kms, key).encrypt(b"s" * longest, oaep)
    opened = kms.decrypt(KeyId=key["KeyId"], CiphertextBlob=sealed, EncryptionAlgorithm=how)
    assert (opened["Plaintext"], opened["KeyId"], opened["EncryptionAlgorithm"]) == (b"s" * longest, key["Arn"], how)
    assert "KeyMaterialId" not in opened
    ours = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionAlgorithm=how)["CiphertextBlob"]
    assert len(ours) == 256
    assert kms.decrypt(KeyId=key["KeyId"], CiphertextBlob=ours, EncryptionAlgorithm=how)["Plaintext"] == b"x"
    error = refused(
        "ValidationException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"s" * (longest + 1), EncryptionAlgorithm=how
    )["Error"]
    assert error["Message"] == f"Algorithm {how} and key spec RSA_2048 cannot encrypt data larger than {longest} bytes."


def test_rsa_wants_its_key_and_its_algorithm_named(rsa_opener, refused):
    kms, key = rsa_opener
    how = "RSAES_OAEP_SHA_256"
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionAlgorithm=how)["CiphertextBlob"]
    refused("ValidationException", kms.decrypt, CiphertextBlob=sealed, EncryptionAlgorithm=how)
    refused("InvalidKeyUsageException", kms.decrypt, KeyId=key["KeyId"], CiphertextBlob=sealed)
    with_ = {"KeyId": key["KeyId"], "EncryptionAlgorithm": how}
    for bent in [sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"x"]:
        refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=bent, **with_)
    wrong = {"KeyId": key["KeyId"], "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=sealed, **wrong)
    context = {"EncryptionContext": {"a": "b"}}
    error = refused("ValidationException", kms.encrypt, Plaintext=b"x", **with_, **context)["Error"]
    assert error["Message"] == "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs."
    error = refused("InvalidKeyUsageException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")["Error"]
    assert error["Message"] == "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."
    error = refused("InvalidKeyUsageException", kms.generate_data_key, KeyId=key["KeyId"], KeySpec="AES_256")["Error"]
    assert error["Message"] == "You cannot generate a data key with an asymmetric CMK"


def test_a_secret_moves_between_symmetric_and_rsa_keys(rsa_opener):
    kms, pair = rsa_opener
    plain = kms.create_key()["KeyMetadata"]
    how = "RSAES_OAEP_SHA_256"
    blob = kms.encrypt(KeyId=plain["KeyId"], Plaintext=b"kettle")["CiphertextBlob"]
    there = kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=pair["KeyId"], DestinationEncryptionAlgorithm=how)
    assert (len(there["CiphertextBlob"]), there["DestinationEncryptionAlgorithm"]) == (256, how)
    assert "DestinationKeyMaterialId" not in there and "SourceKeyMaterialId" in there
    back = kms.re_encrypt(
        CiphertextBlob=there["CiphertextBlob"],
        SourceKeyId=pair["KeyId"],
        SourceEncryptionAlgorithm=how,
        DestinationKeyId=plain["KeyId"],
    )
    assert kms.decrypt(CiphertextBlob=back["CiphertextBlob"])["Plaintext"] == b"kettle"


# ---------------------------------------------------------------- MACs


@pytest.mark.parametrize("size", ["224", "256", "384", "512"])
def test_macs_are_macs(kms, refused, size):
    key = make(kms, f"HMAC_{size}", "GENERATE_VERIFY_MAC")
    how = {"KeyId": key["KeyId"], "MacAlgorithm": f"HMAC_SHA_{size}"}
    made = kms.generate_mac(Message=MESSAGE, **how)
    assert (len(made["Mac"]) * 8, made["KeyId"]) == (int(size), key["Arn"])
    assert kms.verify_mac(Message=MESSAGE, Mac=made["Mac"], **how)["MacValid"] is True
    for message, mac in [(b"another", made["Mac"]), (MESSAGE, made["Mac"][:-1])]:
        for dry in [False, True]:
            error = refused("KMSInvalidMacException", kms.verify_mac, Message=message, Mac=mac, DryRun=dry, **how)
            assert error["Error"].get("Message", "") == ""
    refused("DryRunOperationException", kms.verify_mac, Message=MESSAGE, Mac=made["Mac"], DryRun=True, **how)
    other = "HMAC_SHA_512" if size != "512" else "HMAC_SHA_224"
    error = refused("InvalidKeyUsageException", kms.generate_mac, KeyId=key["KeyId"], Message=b"x", MacAlgorithm=other)
    assert error["Error"]["Message"] == f"Algorithm {other} is incompatible with key spec HMAC_{size}."


# ---------------------------------------------------------------- secrets that two share


@pytest.mark.parametrize("spec, curve", [("ECC_NIST_P256", ec.SECP256R1()), ("ECC_NIST_P384", ec.SECP384R1()), ("ECC_NIST_P521", ec.SECP521R1())])
def test_two_agree_on_a_secret(kms, spec, curve):
    key = make(kms, spec, "KEY_AGREEMENT")
    peer = ec.generate_private_key(curve)
    spki = peer.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    shared = kms.derive_shared_secret(KeyId=key["KeyId"], KeyAgreementAlgorithm="ECDH", PublicKey=spki)
    assert shared["SharedSecret"] == peer.exchange(ec.ECDH(), public_key(kms, key))
    assert (shared["KeyId"], shared["KeyAgreementAlgorithm"], shared["KeyOrigin"]) == (key["Arn"], "ECDH", "AWS_KMS")


def test_no_secret_with_a_key_of_another_curve(kms, refused):
    key = make(kms, "ECC_NIST_P256", "KEY_AGREEMENT")
    other = kms.get_public_key(KeyId=make(kms, "ECC_NIST_P384", "KEY_AGREEMENT")["KeyId"])["PublicKey"]
    for peer in [other, b"junk"]:
        error = refused(
            "ValidationException", kms.derive_shared_secret, KeyId=key["KeyId"], KeyAgreementAlgorithm="ECDH", PublicKey=peer
        )["Error"]
        assert error.get("Message", "") == ""
    signer = make(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    refused(
        "InvalidKeyUsageException",
        kms.derive_shared_secret,
        KeyId=signer["KeyId"],
        KeyAgreementAlgorithm="ECDH",
        PublicKey=other,
    )


@pytest.mark.parametrize("spec, length", [("ML_KEM_512", 768), ("ML_KEM_768", 1088), ("ML_KEM_1024", 1568)])
def test_a_secret_is_encapsulated_and_comes_out(kms, refused, spec, length):
    key = make(kms, spec, "ENCAPSULATE_DECAPSULATE")
    how = {"KeyId": key["KeyId"], "EncapsulationAlgorithm": "ML_KEM"}
    made = kms.encapsulate(**how)
    sealed = made["SharedSecretCiphertextBlob"]
    assert (len(made["SharedSecret"]), len(sealed), made["KeyId"]) == (32, length, key["Arn"])
    assert kms.decapsulate(SharedSecretCiphertextBlob=sealed, **how)["SharedSecret"] == made["SharedSecret"]
    bent = bytes([sealed[0] ^ 1]) + sealed[1:]
    rejected = kms.decapsulate(SharedSecretCiphertextBlob=bent, **how)["SharedSecret"]
    assert len(rejected) == 32 and rejected != made["SharedSecret"]
    refused("InvalidCiphertextException", kms.decapsulate, SharedSecretCiphertextBlob=sealed[1:], **how)


# ---------------------------------------------------------------- pairs for use outside


@pytest.mark.parametrize(
    "spec, kind",
    [
        ("RSA_2048", rsa.RSAPrivateKey),
        ("ECC_NIST_P256", ec.EllipticCurvePrivateKey),
        ("ECC_NIST_P521", ec.EllipticCurvePrivateKey),
        ("ECC_SECG_P256K1", ec.EllipticCurvePrivateKey),
        ("ECC_NIST_EDWARDS25519", ed25519.Ed25519PrivateKey),
    ],
)
def test_a_data_key_pair_is_a_pair(kms, key, spec, kind):
    context = {"device": "7"}
    made = kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec=spec, EncryptionContext=context)
    private = serialization.load_der_private_key(made["PrivateKeyPlaintext"], None)
    assert isinstance(private, kind)
    halves = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert (halves, made["KeyPairSpec"], made["KeyId"]) == (made["PublicKey"], spec, key["Arn"])
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=context)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (made["PrivateKeyPlaintext"], made["KeyMaterialId"])


@pytest.mark.parametrize("spec", ["RSA_2048", "ML_KEM_768"])
def test_a_data_key_pair_without_plaintext_shows_only_its_public_half(kms, key, refused, spec):
    made = kms.generate_data_key_pair_without_plaintext(KeyId=key["KeyId"], KeyPairSpec=spec)
    assert "PrivateKeyPlaintext" not in made and made["PublicKey"]
    assert kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"]
    with_ = {"KeyId": key["KeyId"], "KeyPairSpec": "SM2"}
    refused("UnsupportedOperationException", kms.generate_data_key_pair_without_plaintext, **with_)


# ---------------------------------------------------------------- who may


def test_a_policy_can_allow_one_algorithm_only(people, refused):
    root = people.root("kms")
    key = make(root, "RSA_2048", "SIGN_VERIFY")["KeyId"]
    statement = {
        "Effect": "Allow",
        "Action": ["kms:Sign", "kms:GetPublicKey"],
        "Resource": "*",
        "Condition": {"StringEqualsIfExists": {"kms:SigningAlgorithm": "RSASSA_PSS_SHA_256", "kms:MessageType": "DIGEST"}},
    }
    signer = people.user("signer", policy={"Version": "2012-10-17", "Statement": [statement]})("kms")
    with_ = {"KeyId": key, "Message": b"x" * 32}
    signer.get_public_key(KeyId=key)
    signer.sign(**with_, MessageType="DIGEST", SigningAlgorithm="RSASSA_PSS_SHA_256")
    refused("AccessDeniedException", signer.sign, **with_, SigningAlgorithm="RSASSA_PSS_SHA_256")
    pkcs1 = {"MessageType": "DIGEST", "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"}
    refused("AccessDeniedException", signer.sign, **with_, **pkcs1)


def test_a_grant_fits_the_usage_of_its_key(people, refused):
    root = people.root("kms")
    key = make(root, "HMAC_256", "GENERATE_VERIFY_MAC")["KeyId"]
    maker = people.user("maker", actions="sts:GetCallerIdentity")
    arn = f"arn:aws:iam::{people.account}:user/maker"
    grant = {"KeyId": key, "GranteePrincipal": arn}
    error = refused("ValidationException", root.create_grant, **grant, Operations=["Encrypt"])["Error"]
    assert error["Message"] == (
        "Operations [Encrypt] are not supported when creating a grant for a symmetric KMS key with key usage "
        "GENERATE_VERIFY_MAC. Valid operations are [CreateGrant, RetireGrant, DescribeKey, GenerateMac, VerifyMac]"
    )
    constraints = {"EncryptionContextSubset": {"a": "b"}}
    error = refused(
        "ValidationException", root.create_grant, **grant, Operations=["GenerateMac"], Constraints=constraints
    )["Error"]
    assert error["Message"] == (
        "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key."
    )
    root.create_grant(**grant, Operations=["GenerateMac"])
    mac = maker("kms").generate_mac(KeyId=key, Message=b"x", MacAlgorithm="HMAC_SHA_256")["Mac"]
    with_ = {"KeyId": key, "Message": b"x", "Mac": mac, "MacAlgorithm": "HMAC_SHA_256"}
    refused("AccessDeniedException", maker("kms").verify_mac, **with_)


def test_the_trail_shows_the_algorithm_and_neither_message_nor_signature(people, kms):
    key = make(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    kms.sign(KeyId=key["KeyId"], Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")
    trail = people.root("cloudtrail")
    attribute = {"AttributeKey": "EventName", "AttributeValue": "Sign"}
    (event,) = trail.lookup_events(LookupAttributes=[attribute])["Events"]
    record = json.loads(event["CloudTrailEvent"])
    assert record["requestParameters"] == {
        "keyId": key["KeyId"],
        "messageType": "RAW",
        "signingAlgorithm": "ECDSA_SHA_256",
    }
    assert (record["responseElements"], record["readOnly"]) == (None, True)
    assert "additionalEventData" not in record
    (made,) = trail.lookup_events(LookupAttributes=[{**attribute, "AttributeValue": "CreateKey"}])["Events"]
    asked = json.loads(made["CloudTrailEvent"])["requestParameters"]
    assert (asked["keySpec"], asked["customerMasterKeySpec"]) == ("ECC_NIST_P256", "ECC_NIST_P256")


def test_keys_are_there_after_a_restart(tmp_path):
    from support import Server

    server = Server("--seed", "2", state=tmp_path / "state")
    kms = server.client("kms")
    signer, mac = make(kms, "RSA_2048", "SIGN_VERIFY"), make(kms, "HMAC_512", "GENERATE_VERIFY_MAC")
    how = {"KeyId": signer["KeyId"], "Message": MESSAGE, "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"}
    macs = {"KeyId": mac["KeyId"], "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_512"}
    signature, code = kms.sign(**how)["Signature"], kms.generate_mac(**macs)["Mac"]
    public = kms.get_public_key(KeyId=signer["KeyId"])["PublicKey"]
    server.stop()
    server.start()
    kms = server.client("kms")
    assert kms.sign(**how)["Signature"] == signature and kms.generate_mac(**macs)["Mac"] == code
    assert kms.get_public_key(KeyId=signer["KeyId"])["PublicKey"] == public
    assert kms.describe_key(KeyId=mac["KeyId"])["KeyMetadata"] == mac
    server.close()
