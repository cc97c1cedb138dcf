//! A runtime that only speaks the version before CRI v1, as containerd 1.5 does.

use std::path::Path;
use std::time::Duration;

use h2::server::SendResponse;
use ocidiff_cri::messages::VersionResponse;
use ocidiff_cri::{Client, Error};
use prost::Message;
use tokio::net::{UnixListener, UnixStream};
use tonic::codegen::Bytes;
use tonic::codegen::http::{HeaderMap, HeaderValue, Response};

const OLD: &str = "/runtime.v1alpha2.RuntimeService/Version";

/// Answers calls of the old version, and no others.
async fn answer(mut respond: SendResponse<Bytes>, path: &str) -> Result<(), h2::Error> {
    let mut head = Response::new(());
    let grpc = HeaderValue::from_static("application/grpc");
    head.headers_mut().insert("content-type", grpc);
    let mut stream = respond.send_response(head, false)?;
    let mut end = HeaderMap::new();
    if path == OLD {
        let told = VersionResponse {
            version: "0.1.0".to_owned(),
            runtime_name: "containerd".to_owned(),
            runtime_version: "v1.5.18".to_owned(),
            runtime_api_version: "v1alpha2".to_owned(),
        };
        let message = told.encode_to_vec();
        let length = u32::try_from(message.len()).expect("a few bytes");
        let frame = [&[0][..], &length.to_be_bytes(), &message].concat();
        stream.send_data(frame.into(), false)?;
        end.insert("grpc-status", HeaderValue::from_static("0"));
    } else {
        let words = "unknown service runtime.v1.RuntimeService";
        end.insert("grpc-status", HeaderValue::from_static("12"));
        end.insert("grpc-message", HeaderValue::from_static(words));
    }
    stream.send_trailers(end)
}

async fn serve(socket: UnixStream) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(socket).await?;
    while let Some(call) = connection.accept().await {
        let (request, respond) = call?;
        answer(respond, request.uri().path()).await?;
    }
    Ok(())
}

async fn connect(socket: &Path) -> Result<Client, Error> {
    let listener = UnixListener::bind(socket).expect("a socket");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    Client::connect(socket, Duration::from_secs(20)).await
}

#[test]
fn a_runtime_that_is_too_old_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("old.sock");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let error = runtime.expect("a runtime").block_on(connect(&socket));
    let error = error.expect_err("it is too old");
    assert!(matches!(error, Error::Old(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("speaks CRI v1alpha2 and not v1, which came with containerd 1.6"),
        "{error}"
    );
}
