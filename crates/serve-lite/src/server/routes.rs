//! The routes: which handler answers which path.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::failure::Failure;
use super::models::{self, Model};
use super::request_recorder::{RequestRecorder, Route};
use super::{AppState, body, infer, metadata, page, predict};

/// The model and version in a path; the error is a path that is not UTF-8.
type PathParams = Result<RawPathParams, RawPathParamsRejection>;
type Shared = State<Arc<AppState>>;

/// Whether a path needs no token: the page, which contains no secret, and the health checks of load balancers.
pub(crate) fn needs_no_token(path: &str) -> bool {
    path == "/" || is_health(path) || page::FILES.iter().any(|(p, ..)| *p == path)
}

/// Whether a path is a health check.
pub(crate) fn is_health(path: &str) -> bool {
    path.starts_with("/v2/health/")
}

/// Whether a path can change which model serves.
pub(crate) fn changes_model(path: &str) -> bool {
    path.starts_with("/v2/repository/")
}

pub(crate) fn router(state: Arc<AppState>) -> Router {
    let mut router = Router::new()
        .route("/", get(async |State(state): Shared| page::index(state.options.name.as_str())))
        .route("/metrics", get(metrics))
        .route("/v1/predict", post(predict_image))
        .route("/v2", get(async || Json(metadata::server())))
        .route("/v2/", get(async || Json(metadata::server())))
        .route("/v2/health/live", get(async || Json(json!({ "live": true }))))
        .route("/v2/health/ready", get(async |State(state): Shared| ready(&state)))
        .route("/v2/models/stats", get(statistics_of_all))
        .route("/v2/repository/index", post(repository_index))
        .route("/v2/repository/models/{model}/load", post(load))
        .route("/v2/repository/models/{model}/unload", post(unload));
    for version in ["", "/versions/{version}"] {
        let model = format!("/v2/models/{{model}}{version}");
        router = router
            .route(&model, get(model_metadata))
            .route(&format!("{model}/ready"), get(model_ready))
            .route(&format!("{model}/config"), get(model_config))
            .route(&format!("{model}/stats"), get(model_statistics))
            .route(&format!("{model}/infer"), post(infer_tensors));
    }
    for (path, content_type, text) in page::FILES {
        router = router.route(path, get(async move || page::file(content_type, text)));
    }
    router
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, "this path does not exist"))
        .method_not_allowed_fallback(async || {
            Failure::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path does not support the method, see Allow",
            )
        })
        .with_state(state)
}

/// The model in a path, if this server has it.
fn model(state: &AppState, params: PathParams) -> Result<Arc<Model>, Failure> {
    let unknown = |message: String| Failure::new(StatusCode::NOT_FOUND, message);
    let params = params.map_err(|_| unknown("the path is not UTF-8".into()))?;
    let model = state.models.current();
    let name = state.options.name.as_str();
    for (key, value) in &params {
        let known = match key {
            "model" => value == name,
            _ => value == model.version_text,
        };
        if !known {
            let version = &model.version_text;
            return Err(unknown(format!(
                "unknown {key}: this server has {name} version {version}"
            )));
        }
    }
    Ok(model)
}

fn ready(state: &AppState) -> Response {
    let problem = if state.is_draining() {
        "the server is shutting down"
    } else if state.queue.is_stalled(state.options.timeout) {
        "every worker has been computing for longer than a request may take"
    } else {
        return Json(json!({ "ready": true })).into_response();
    };
    Failure::busy(StatusCode::SERVICE_UNAVAILABLE, problem).into_response()
}

async fn model_ready(State(state): Shared, params: PathParams) -> Result<Response, Failure> {
    model(&state, params)?;
    let ready = ready(&state);
    if ready.status() != StatusCode::OK {
        return Ok(ready);
    }
    Ok(Json(json!({ "name": state.options.name.as_str(), "ready": true })).into_response())
}

async fn model_metadata(State(state): Shared, params: PathParams) -> Result<Json<Value>, Failure> {
    Ok(Json(metadata::model(&state, &*model(&state, params)?)))
}

async fn model_config(State(state): Shared, params: PathParams) -> Result<Json<Value>, Failure> {
    Ok(Json(metadata::config(&state, &*model(&state, params)?)))
}

async fn model_statistics(
    State(state): Shared,
    params: PathParams,
) -> Result<Json<Value>, Failure> {
    Ok(Json(metadata::statistics(&state, &*model(&state, params)?)))
}

async fn statistics_of_all(State(state): Shared) -> Json<Value> {
    Json(metadata::statistics(&state, &state.models.current()))
}

async fn repository_index(State(state): Shared) -> Json<Value> {
    Json(metadata::index(&state, &state.models.current()))
}

/// Reloads the model from its file.
async fn load(
    State(state): Shared,
    params: PathParams,
    request: Request,
) -> Result<StatusCode, Failure> {
    let name = state.options.name.as_str();
    model(&state, params)?;
    let deadline = Instant::now() + state.options.timeout;
    let (head, body) = request.into_parts();
    let limit = body::Limit { n_bytes: state.options.max_body << 20, remedy: "send no parameters" };
    let body = body::read(&state, &head.headers, body, limit, deadline).await?;
    let request: Value = serde_json::from_slice(&body.bytes).unwrap_or_default();
    if request["parameters"].as_object().is_some_and(|parameters| !parameters.is_empty()) {
        let message = "parameters are not supported: load the model without them";
        return Err(Failure::new(StatusCode::NOT_IMPLEMENTED, message));
    }
    match tokio::time::timeout_at(deadline.into(), models::reload(&state)).await {
        Ok(Ok(_)) => Ok(StatusCode::OK),
        Ok(Err(reason)) => {
            let message = format!("failed to load '{name}', the old model keeps serving: {reason}");
            Err(Failure::new(StatusCode::BAD_REQUEST, message))
        }
        Err(_) => {
            let message = "the model is still being loaded: look at its version later";
            Err(Failure::busy(state.options.overload_status, message))
        }
    }
}

async fn unload(State(state): Shared, params: PathParams) -> Result<StatusCode, Failure> {
    model(&state, params)?;
    let message = "this server has one model: stop it to unload the model";
    Err(Failure::new(StatusCode::NOT_IMPLEMENTED, message))
}

async fn infer_tensors(State(state): Shared, params: PathParams, request: Request) -> Response {
    let mut recorder = RequestRecorder::begin(&state.metrics, Route::Infer);
    let answered = match model(&state, params) {
        Err(failure) => Err(failure),
        Ok(model) => {
            recorder.set_model(&model.counters);
            infer::infer(&state, &model, request).await
        }
    };
    let response = answered.into_response();
    recorder.end(response.status());
    response
}

async fn predict_image(State(state): Shared, request: Request) -> Response {
    let mut recorder = RequestRecorder::begin(&state.metrics, Route::Predict);
    let model = state.models.current();
    recorder.set_model(&model.counters);
    let response = predict::predict(&state, &model, request).await.into_response();
    recorder.end(response.status());
    response
}

async fn metrics(State(state): Shared) -> Result<Response, Failure> {
    let text = state.metrics.text().map_err(|error| {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no metrics: {error}"))
    })?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}
