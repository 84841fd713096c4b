//! Why a request is not answered: a status, and a body of the shape that text-embeddings-inference gives.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The kind of error, in the words of text-embeddings-inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum ErrorType {
    Unhealthy,
    Backend,
    Overloaded,
    Validation,
    Tokenizer,
}

impl ErrorType {
    /// Its label in the metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Backend => "inference",
            Self::Overloaded => "overloaded",
            Self::Validation => "validation",
            Self::Tokenizer => "tokenization",
        }
    }
}

/// Why a request is not answered.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error_type: ErrorType,
    pub(crate) error: String,
}

impl Refusal {
    /// The request does not have the shape that is asked for.
    pub(crate) fn shape(error: impl Into<String>) -> Self {
        Self::validation(StatusCode::UNPROCESSABLE_ENTITY, error)
    }

    /// The request is larger than a limit.
    pub(crate) fn too_large(error: impl Into<String>) -> Self {
        Self::validation(StatusCode::PAYLOAD_TOO_LARGE, error)
    }

    pub(crate) fn validation(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error_type: ErrorType::Validation,
            error: error.into(),
        }
    }

    /// A text cannot be tokenised.
    pub(crate) fn tokenizer(error: String) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            error_type: ErrorType::Tokenizer,
            error,
        }
    }

    /// More waits already than is allowed to.
    pub(crate) fn overloaded() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            error_type: ErrorType::Overloaded,
            error: "Model is overloaded".to_owned(),
        }
    }

    /// The time for an answer is over.
    pub(crate) fn out_of_time() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error_type: ErrorType::Overloaded,
            error: "no answer within the time limit".to_owned(),
        }
    }

    /// The model failed; why stands in the log.
    pub(crate) fn backend() -> Self {
        Self {
            status: StatusCode::FAILED_DEPENDENCY,
            error_type: ErrorType::Backend,
            error: "Inference failed".to_owned(),
        }
    }

    /// The server is about to end.
    pub(crate) fn stopping() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error_type: ErrorType::Unhealthy,
            error: "unhealthy".to_owned(),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_type: ErrorType,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Body {
            error: &self.error,
            error_type: self.error_type,
        };
        let mut response = (self.status, Json(body)).into_response();
        let is_overload = matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        if is_overload {
            let soon = header::HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}
