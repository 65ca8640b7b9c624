//! What can go wrong with a key pair. The HSM's edge turns each into AWS's exception and text.

/// Why an asymmetric operation did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AsymmetricError {
    /// The algorithm or operation is not one of this spec's.
    #[error("the algorithm is incompatible with the key spec")]
    Incompatible,
    /// The algorithm does not take this kind of message.
    #[error("the algorithm does not take this message type")]
    MessageType,
    /// A digest, or µ, of the wrong length for the algorithm.
    #[error("the digest is of the wrong length for the algorithm")]
    DigestLength,
    /// A plaintext longer than the key can take.
    #[error("the plaintext is longer than {longest} bytes")]
    TooLong {
        /// How many bytes it can take.
        longest: usize,
    },
    /// Not a private key of the spec: not PKCS#8, another kind, another size, or parts that do not belong together.
    #[error("not a private key of this key spec")]
    PrivateKey,
    /// Not a public key of the spec: not SubjectPublicKeyInfo, another kind, or a point that is not on the curve.
    #[error("not a public key of this key spec")]
    PublicKey,
    /// The signature is not one of this message by this key.
    #[error("the signature does not verify")]
    Signature,
    /// The ciphertext does not open, or has a length that no ciphertext of this key has.
    #[error("the ciphertext cannot be opened")]
    Ciphertext,
    /// The library beneath failed where no input can make it fail: memory, or its randomness.
    #[error("the cryptographic library failed")]
    Library,
}
