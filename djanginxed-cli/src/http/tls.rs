//! TLS with the certificates that this machine trusts.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

use super::problem::TlsProblem;
use crate::dial::Stream;
use crate::failure::Failure;

/// Whom a client trusts: who is trusted by this machine, and some besides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust(Arc<Trusted>);

#[derive(Debug, Default)]
struct Trusted {
    besides: Vec<CertificateDer<'static>>,
    /// Reading the machine's certificates takes a while: where TLS is spoken, once.
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Trust {
    /// Trusts who stands in the PEM file `more`, too.
    pub(crate) fn new(more: Option<&Path>) -> Result<Trust, Failure> {
        let besides = more.map(certificates_in).transpose()?.unwrap_or_default();
        Ok(Trust(Arc::new(Trusted {
            besides,
            config: OnceLock::new(),
        })))
    }

    fn config(&self) -> Result<Arc<ClientConfig>, TlsProblem> {
        let make = || {
            let mut trusted = rustls_native_certs::load_native_certs().certs;
            trusted.extend(self.0.besides.iter().cloned());
            (config(trusted).map(Arc::new)).map_err(|error| error.to_string())
        };
        (self.0.config.get_or_init(make).clone()).map_err(TlsProblem::Other)
    }

    pub(super) async fn connect(
        &self,
        host: &str,
        stream: Box<dyn Stream>,
    ) -> Result<TlsStream<Box<dyn Stream>>, TlsProblem> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
            TlsProblem::Other(format!("{host:?} cannot be the name in a certificate"))
        })?;
        TlsConnector::from(self.config()?)
            .connect(name, stream)
            .await
            .map_err(|error| problem(&error))
    }
}

fn certificates_in(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let refuse =
        |problem: String| Failure::Usage(format!("--cacert {}: {problem}", file.display()));
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| refuse(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refuse("it holds no certificate in PEM".to_owned()));
    }
    Ok(certificates)
}

fn config(trusted: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().cloned());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    if roots.is_empty() {
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    let verifier = Arc::new(Verifier { chains, trusted });
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// As rustls verifies, and besides: a site's own certificate is trusted where it
/// is itself among the trusted ones, as OpenSSL and browsers have it.
#[derive(Debug)]
struct Verifier {
    chains: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let result = self
            .chains
            .verify_server_cert(certificate, others, name, ocsp, now);
        match result {
            Err(error) if is_authority(&error) && self.trusted.contains(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// webpki's refusal of a certificate that may sign others, which comes after it
/// has looked at the certificate's time.
fn is_authority(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.to_string().contains("CaUsedAsEndEntity")
        }
        _ => false,
    }
}

fn problem(error: &io::Error) -> TlsProblem {
    let found = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    let said = || error.to_string();
    match found {
        Some(Error::InvalidCertificate(problem)) => of_certificate(problem, said()),
        Some(Error::InvalidMessage(_)) => TlsProblem::Plain,
        Some(Error::AlertReceived(AlertDescription::UnrecognisedName)) => TlsProblem::NameRefused,
        _ => TlsProblem::Other(said()),
    }
}

fn of_certificate(problem: &CertificateError, said: String) -> TlsProblem {
    use CertificateError as E;
    match problem {
        E::UnknownIssuer => TlsProblem::Untrusted,
        E::NotValidForName | E::NotValidForNameContext { .. } => TlsProblem::WrongName(said),
        E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. } => {
            TlsProblem::OutOfTime(said)
        }
        // Its own authority, and not among the trusted ones.
        E::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => TlsProblem::Untrusted,
        _ => TlsProblem::Other(said),
    }
}
