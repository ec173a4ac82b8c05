//! Which path leads where.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::failure::Failure;
use super::models::Model;
use super::recorder::{Recorder, Route};
use super::{Server, body, infer, metadata, page, predict};

/// Which model a path names; the error is that its bytes are no text.
type Named = Result<RawPathParams, RawPathParamsRejection>;
type Shared = State<Arc<Server>>;

/// What needs no token: the page, which holds no secret, and what tells a balancer to come.
pub(crate) fn is_open(path: &str) -> bool {
    path == "/" || path.starts_with("/v2/health/") || page::FILES.iter().any(|(p, ..)| *p == path)
}

pub(crate) fn router(server: Arc<Server>) -> Router {
    let mut router = Router::new()
        .route("/", get(async |State(server): Shared| page::index(server.options.name.as_str())))
        .route("/metrics", get(metrics))
        .route("/v1/predict", post(predict_picture))
        .route("/v2", get(async || Json(metadata::server())))
        .route("/v2/", get(async || Json(metadata::server())))
        .route("/v2/health/live", get(async || Json(json!({ "live": true }))))
        .route("/v2/health/ready", get(async |State(server): Shared| ready(&server)))
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
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Failure::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path takes another method, see Allow",
            )
        })
        .with_state(server)
}

/// The model that a path names, if it is the one that is served.
fn model(server: &Server, named: Named) -> Result<Arc<Model>, Failure> {
    let unknown = |message: String| Failure::new(StatusCode::NOT_FOUND, message);
    let named = named.map_err(|_| unknown("the model's name is no UTF-8".into()))?;
    let model = server.models.current();
    let name = server.options.name.as_str();
    for (key, value) in &named {
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

fn ready(server: &Server) -> Response {
    if server.is_draining() {
        return Failure::busy(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down")
            .into_response();
    }
    Json(json!({ "ready": true })).into_response()
}

async fn model_ready(State(server): Shared, named: Named) -> Result<Response, Failure> {
    model(&server, named)?;
    if server.is_draining() {
        return Ok(ready(&server));
    }
    Ok(Json(json!({ "name": server.options.name.as_str(), "ready": true })).into_response())
}

async fn model_metadata(State(server): Shared, named: Named) -> Result<Json<Value>, Failure> {
    Ok(Json(metadata::model(&server, &*model(&server, named)?)))
}

async fn model_config(State(server): Shared, named: Named) -> Result<Json<Value>, Failure> {
    Ok(Json(metadata::config(&server, &*model(&server, named)?)))
}

async fn model_statistics(State(server): Shared, named: Named) -> Result<Json<Value>, Failure> {
    Ok(Json(metadata::statistics(&server, &*model(&server, named)?)))
}

async fn statistics_of_all(State(server): Shared) -> Json<Value> {
    Json(metadata::statistics(&server, &server.models.current()))
}

async fn repository_index(State(server): Shared) -> Json<Value> {
    Json(metadata::index(&server, &server.models.current()))
}

/// Reads the model's file again, which is all that loading means here.
async fn load(
    State(server): Shared,
    named: Named,
    request: Request,
) -> Result<StatusCode, Failure> {
    let name = server.options.name.as_str();
    model(&server, named)?;
    let (head, body) = request.into_parts();
    let limit = server.options.max_body << 20;
    let body = body::read(&server, &head.headers, body, limit).await?;
    let asked: Value = serde_json::from_slice(&body.bytes).unwrap_or_default();
    if asked["parameters"].as_object().is_some_and(|parameters| !parameters.is_empty()) {
        let message = "a model comes from its file as it is: load it without parameters";
        return Err(Failure::new(StatusCode::NOT_IMPLEMENTED, message));
    }
    let reloading = Arc::clone(&server);
    let reload = move || reloading.models.reload(&reloading.metrics);
    match tokio::task::spawn_blocking(reload).await.map_err(|_| Failure::lost_thread())? {
        Ok(_) => Ok(StatusCode::OK),
        Err(error) => {
            let reason = crate::predict::reasons(&error);
            let message = format!("failed to load '{name}', the one before goes on: {reason}");
            Err(Failure::new(StatusCode::BAD_REQUEST, message))
        }
    }
}

async fn unload(State(server): Shared, named: Named) -> Result<StatusCode, Failure> {
    model(&server, named)?;
    let message = "this server has one model: stop it to unload the model";
    Err(Failure::new(StatusCode::NOT_IMPLEMENTED, message))
}

async fn infer_tensors(State(server): Shared, named: Named, request: Request) -> Response {
    let mut recorder = Recorder::begin(&server.metrics, Route::Infer);
    let answered = match model(&server, named) {
        Err(failure) => Err(failure),
        Ok(model) => {
            recorder.of(&model.counters);
            infer::infer(&server, &model, request).await
        }
    };
    let response = answered.into_response();
    recorder.end(response.status());
    response
}

async fn predict_picture(State(server): Shared, request: Request) -> Response {
    let mut recorder = Recorder::begin(&server.metrics, Route::Predict);
    let model = server.models.current();
    recorder.of(&model.counters);
    let response = predict::predict(&server, &model, request).await.into_response();
    recorder.end(response.status());
    response
}

async fn metrics(State(server): Shared) -> Result<Response, Failure> {
    let text = server.metrics.text().map_err(|error| {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no metrics: {error}"))
    })?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}
