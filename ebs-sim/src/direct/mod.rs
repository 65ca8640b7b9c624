//! EBS direct APIs: blocks of snapshots over REST. None is built yet, so that every operation is unknown.

use async_trait::async_trait;
use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use aws_wire::service::RestService;
use bytes::Bytes;

use crate::sim::EbsSim;

#[async_trait]
impl RestService for EbsSim {
    fn scope(&self) -> &'static str {
        "ebs"
    }

    async fn call(
        &self,
        _ctx: &CallContext,
        _request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, ApiFault> {
        Err(ApiFault::bare("UnknownOperationException").with_status(404))
    }
}
