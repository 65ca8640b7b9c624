"""Every aws-cli and boto3 line of the five course notes (docs/SYLLABUS.md), against a real server.

Secrets, names and ids are stand-ins; the 32 bytes of the course's secret are 32 other bytes, so that sizes agree.

Lines whose literal text cannot work, what the literal does, and what runs here instead:

| line | literal | what the literal does | run here |
|---|---|---|---|
| 000.16 | `fileb:// secret.txt` | unknown option: the space ends the argument | `fileb://secret.txt` |
| 000.17 | `-output text` | unknown option | `--output text` |
| 000.18 | `-ciphertext-blob` | unknown option | `--ciphertext-blob` |
| 000.18 | a key id with one hyphen missing | NotFoundException: Invalid keyId | the id |
| 000.18 | `l base64` instead of `| base64` | unknown option l | `| base64` |
| 002.20 | `-k file:///./datakey` | passphrase is that text; works without the key | literally, then `-K` and `-iv` |
| 002.21 | `file:///./encrypted-datakey` | absolute path, no such file | `fileb://encrypted-datakey` |
| 004.18 | `certutil A B` without `-decode` | prints usage (Windows) | `base64 --decode` |
"""

import base64
import json

import pytest

SECRET = "the tide table is in the kettle\n"
assert len(SECRET) == 32


@pytest.fixture
def folder(tmp_path, key):
    """The folder of the 000 notes: a secret of 32 bytes, and the key's id in a file."""
    (tmp_path / "secret.txt").write_text(SECRET)
    return tmp_path


ENCRYPT = (
    "aws kms encrypt --key-id {key} --plaintext fileb://secret.txt --output text --query CiphertextBlob"
    " | base64 --decode > encryptedsecret.txt"
)
DECRYPT = (
    "aws kms decrypt --ciphertext-blob fileb://encryptedsecret.txt --output text --query Plaintext"
    " | base64 --decode > decryptedsecret.txt"
)
RE_ENCRYPT = (
    "aws kms re-encrypt --destination-key-id {key} --ciphertext-blob fileb://encryptedsecret.txt"
    " | base64 > newencryption.txt"
)


def test_000_16_encrypt_makes_184_bytes_of_32(aws, folder, key):
    aws(ENCRYPT.format(key=key["KeyId"]))
    blob = (folder / "encryptedsecret.txt").read_bytes()
    assert len(blob) == 184
    assert blob[:5] == bytes.fromhex("0102020078")
    # base64 of every such blob begins alike
    assert base64.b64encode(blob).startswith(b"AQICAH")


def test_000_16_openssl_reads_the_structure_inside(aws, folder, key):
    aws(ENCRYPT.format(key=key["KeyId"]))
    printed = aws("tail -c +59 encryptedsecret.txt | openssl asn1parse -inform DER").stdout
    assert "pkcs7-encryptedData" in printed and "aes-256-gcm" in printed


def test_000_17_decrypt_gives_the_secret_back(aws, folder, key):
    aws(ENCRYPT.format(key=key["KeyId"]))
    aws(DECRYPT)
    assert (folder / "decryptedsecret.txt").read_text() == SECRET


def test_000_18_re_encrypt_saves_base64_of_json(aws, folder, key):
    aws(ENCRYPT.format(key=key["KeyId"]))
    aws(RE_ENCRYPT.format(key=key["KeyId"]))
    saved = (folder / "newencryption.txt").read_bytes()
    answer = base64.b64decode(saved)
    assert set(json.loads(answer)) == {
        "CiphertextBlob",
        "SourceKeyId",
        "KeyId",
        "SourceEncryptionAlgorithm",
        "DestinationEncryptionAlgorithm",
        "SourceKeyMaterialId",
        "DestinationKeyMaterialId",
    }
    assert (len(answer), len(saved)) == (775, 1050)


def test_000_18_then_the_same_answer_had_three_members_and_637_bytes(aws, folder, key):
    aws(ENCRYPT.format(key=key["KeyId"]))
    aws(RE_ENCRYPT.format(key=key["KeyId"]))
    answer = json.loads(base64.b64decode((folder / "newencryption.txt").read_bytes()))
    members = ["SourceKeyId", "KeyId", "CiphertextBlob"]
    # The CLI of 2018, on Python 2, left a space behind each comma.
    printed = "{\n" + ", \n".join(f'    "{name}": "{answer[name]}"' for name in members) + "\n}\n"
    assert len(printed) == 469
    assert len(base64.encodebytes(printed.encode())) == 637


def test_000_18_that_file_is_no_ciphertext(aws, folder, key):
    aws(ENCRYPT.format(key=key["KeyId"]))
    aws(RE_ENCRYPT.format(key=key["KeyId"]))
    ran = aws("aws kms decrypt --ciphertext-blob fileb://newencryption.txt", check=False)
    assert ran.returncode != 0 and "InvalidCiphertextException" in ran.stderr


def test_000_18_a_key_id_with_a_hyphen_missing_is_refused_by_the_server(aws, folder, key):
    aws(ENCRYPT.format(key=key["KeyId"]))
    mistyped = key["KeyId"].replace("-", "", 1)
    ran = aws(RE_ENCRYPT.format(key=mistyped), check=False)
    assert f"(NotFoundException) when calling the ReEncrypt operation: Invalid keyId '{mistyped}'" in ran.stderr


@pytest.mark.parametrize(
    "typo",
    [
        "aws kms encrypt --key-id k --plaintext fileb:// secret.txt",
        "aws kms decrypt --ciphertext-blob fileb://secret.txt -output text",
        "aws kms re-encrypt --destination-key-id k -ciphertext-blob fileb://secret.txt",
        "aws kms re-encrypt --destination-key-id k --ciphertext-blob fileb://secret.txt l base64",
    ],
)
def test_000_typing_errors_stop_in_the_cli(aws, folder, typo):
    ran = aws(typo, check=False)
    assert ran.returncode in (2, 252, 255)
    assert "An error occurred (" not in ran.stderr, "the line reached the server"


def test_000_19_enable_key_rotation(aws, folder, key):
    assert aws(f"aws kms enable-key-rotation --key-id {key['KeyId']}").stdout == ""


def test_000_whole_transcript(aws, folder, key):
    """The notes' folder at the end: four files of 32, 184, 32 bytes and the re-encrypted one."""
    for line in (ENCRYPT, DECRYPT, RE_ENCRYPT, "aws kms enable-key-rotation --key-id {key}"):
        aws(line.format(key=key["KeyId"]))
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sizes == {"secret.txt": 32, "encryptedsecret.txt": 184, "decryptedsecret.txt": 32, "newencryption.txt": 1050}


def test_000_12_configure_then_use_the_profile(aws, folder, server, people):
    script = """
        export AWS_CONFIG_FILE=$PWD/config AWS_SHARED_CREDENTIALS_FILE=$PWD/credentials
        printf '%s\\n%s\\n%s\\n%s\\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" us-east-2 json | aws configure
        unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION
        aws sts get-caller-identity --query Account --output text
    """
    assert people.account in aws(script).stdout


def test_000_13_boto3_encrypt_with_an_alias(kms, key):
    kms.create_alias(AliasName="alias/the-first-key", TargetKeyId=key["KeyId"])
    database_password = "kettle-and-tide-tables1"
    result = kms.encrypt(KeyId="alias/the-first-key", Plaintext=database_password)
    assert {"CiphertextBlob", "KeyId", "ResponseMetadata"} <= set(result)
    # 23 characters make 175 bytes
    assert len(database_password) == 23 and len(result["CiphertextBlob"]) == 175
    assert result["CiphertextBlob"].startswith(b"\x01\x02\x02\x00x")
    assert result["KeyId"] == key["Arn"]
    headers = result["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-requestid"] == result["ResponseMetadata"]["RequestId"]
    assert headers["content-type"] == "application/x-amz-json-1.1"


def test_000_14_boto3_decrypt_needs_no_key(kms, key):
    encrypted_password = kms.encrypt(KeyId=key["KeyId"], Plaintext="kettle")["CiphertextBlob"]
    decrypt_result = kms.decrypt(CiphertextBlob=encrypted_password)
    assert decrypt_result["Plaintext"] == b"kettle"
    assert decrypt_result["KeyId"] == key["Arn"]


def test_001_11_12_rotation_status(aws, key):
    aws(f"aws kms enable-key-rotation --key-id {key['KeyId']}")
    status = json.loads(aws(f"aws kms get-key-rotation-status --key-id {key['KeyId']}").stdout)
    assert status["KeyRotationEnabled"] is True and status["RotationPeriodInDays"] == 365


def test_001_13_generate_data_key(aws, key):
    printed = aws(f"aws kms generate-data-key --key-id {key['KeyId']} --key-spec AES_256").stdout
    answer = json.loads(printed)
    assert len(base64.b64decode(answer["Plaintext"])) == 32
    blob = base64.b64decode(answer["CiphertextBlob"])
    assert len(blob) == 184 and blob[:5] == bytes.fromhex("0102030078")
    assert answer["KeyId"] == key["Arn"]


@pytest.fixture
def demo(kms, key, aws, tmp_path):
    """The 002 demo up to its openssl lines: a data key and its encrypted form in files."""
    kms.create_alias(AliasName="alias/wrapping", TargetKeyId=key["KeyId"])
    answer = json.loads(aws("aws kms generate-data-key --key-id alias/wrapping --key-spec AES_256 --region us-east-1").stdout)
    aws(f"echo {answer['Plaintext']} | base64 --decode > datakey")
    aws(f"echo {answer['CiphertextBlob']} | base64 --decode > encrypted-datakey")
    (tmp_path / "data-file.txt").write_text("figures of the third quarter\n" * 500)
    return tmp_path


OPENSSL_ENCRYPT = (
    "openssl enc -in ./data-file.txt -out ./encrypted-data-file.txt -e -aes256 -k file:///./datakey -iter 1000"
)
OPENSSL_DECRYPT = (
    "openssl enc -in ./encrypted-data-file.txt -out ./unencrypted-data-file.txt1"
    " -d -aes256 -k file:///./datakey -iter 1000"
)


def test_002_19_the_two_forms_of_the_data_key(demo):
    assert (demo / "datakey").stat().st_size == 32
    assert (demo / "encrypted-datakey").stat().st_size == 184


def test_002_20_22_the_literal_openssl_lines_work_without_the_data_key(aws, demo):
    aws(OPENSSL_ENCRYPT)
    (demo / "datakey").unlink()
    aws(OPENSSL_DECRYPT)
    assert (demo / "unencrypted-data-file.txt1").read_bytes() == (demo / "data-file.txt").read_bytes()


def test_002_20_22_mended_they_need_it(aws, demo):
    hexadecimal = "$(od -An -vtx1 datakey | tr -d ' \\n')"
    cipher = f'-aes-256-cbc -K "{hexadecimal}" -iv 000102030405060708090a0b0c0d0e0f'
    aws(f"openssl enc -e -in data-file.txt -out sealed {cipher}")
    (demo / "datakey").unlink()
    assert aws(f"openssl enc -d -in sealed -out opened {OPENSSL_DECRYPT.split('-d ')[1]}", check=False).returncode != 0
    aws(
        "aws kms decrypt --ciphertext-blob fileb://encrypted-datakey --region us-east-1"
        " --output text --query Plaintext | base64 --decode > datakey"
    )
    aws(f"openssl enc -d -in sealed -out opened {cipher}")
    assert (demo / "opened").read_bytes() == (demo / "data-file.txt").read_bytes()


def test_002_21_the_literal_path_does_not_exist(aws, demo):
    ran = aws("aws kms decrypt --ciphertext-blob file:///./encrypted-datakey --region us-east-1", check=False)
    assert ran.returncode != 0 and "/./encrypted-datakey" in ran.stderr


def test_002_21_mended_it_prints_the_data_key(aws, demo):
    printed = aws("aws kms decrypt --ciphertext-blob fileb://encrypted-datakey --region us-east-1").stdout
    assert base64.b64decode(json.loads(printed)["Plaintext"]) == (demo / "datakey").read_bytes()


def test_004_8_10_create_key_and_alias_in_one_region(aws, people):
    answer = json.loads(aws('aws kms create-key --description "a key for the evening class"').stdout)["KeyMetadata"]
    assert answer["Description"] == "a key for the evening class" and answer["KeyState"] == "Enabled"
    line = 'aws kms create-alias --target-key-id {} --alias-name "alias/evening-class" --region us-east-1'
    assert aws(line.format(answer["KeyId"])).stdout == ""
    aliases = json.loads(aws("aws kms list-aliases").stdout)["Aliases"]
    assert ("alias/evening-class", answer["KeyId"]) in {(alias["AliasName"], alias.get("TargetKeyId")) for alias in aliases}


def test_004_10_a_key_of_another_region_is_not_found(aws):
    key = json.loads(aws("aws kms create-key", region="us-east-2").stdout)["KeyMetadata"]["KeyId"]
    ran = aws(
        f'aws kms create-alias --target-key-id {key} --alias-name "alias/evening-class" --region us-east-1', check=False
    )
    assert "NotFoundException" in ran.stderr


def test_004_13_to_16_a_text_file_to_and_fro(aws, key):
    aws('echo "the heron left by the east gate" > topsecret.txt')
    encrypt = f"aws kms encrypt --key-id {key['KeyId']} --plaintext {{}} --output text --query CiphertextBlob"
    # aws-cli 1 takes text from file://; version 2 wants fileb:// (or cli_binary_format).
    plaintext = "file://topsecret.txt" if "aws-cli/1" in aws("aws --version 2>&1").stdout else "fileb://topsecret.txt"
    printed = aws(encrypt.format(plaintext)).stdout
    assert len(base64.b64decode(printed)) == 32 + 152
    aws(encrypt.format(plaintext) + " | base64 --decode > topsecret.encrypted")
    decrypt = "aws kms decrypt --ciphertext-blob fileb://topsecret.encrypted --output text --query Plaintext"
    assert aws(decrypt + " | base64 --decode").stdout == "the heron left by the east gate\n"


def test_004_17_generate_data_key_in_a_named_region(aws, key):
    line = f"aws kms generate-data-key --key-id {key['KeyId']} --key-spec AES_256 --region us-east-1"
    assert set(json.loads(aws(line).stdout)) >= {"CiphertextBlob", "Plaintext", "KeyId"}


def test_004_18_the_windows_lines_keep_base64_in_a_file(aws, key, tmp_path):
    """certutil -decode is base64 --decode; the last line of the notes forgets its -decode."""
    (tmp_path / "topsecret.txt").write_text("the heron left by the east gate\n")
    encrypt = f"aws kms encrypt --key-id {key['KeyId']} --plaintext fileb://topsecret.txt --output text"
    aws(encrypt + " --query CiphertextBlob > topsecret.base64.encrypted")
    aws("base64 --decode topsecret.base64.encrypted > topsecret.encrypted")
    aws(
        "aws kms decrypt --ciphertext-blob fileb://topsecret.encrypted --output text --query Plaintext"
        " > topsecret.decrypted.base64"
    )
    aws("base64 --decode topsecret.decrypted.base64 > topsecret.decrypted")
    assert (tmp_path / "topsecret.decrypted").read_text() == "the heron left by the east gate\n"
