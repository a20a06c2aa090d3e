# Makes tests/reference/brms_priors.json: what brms gives under seven sets of named priors, with the
# intercept's prior at the means of predictors: posterior means with their Monte Carlo errors, and
# quantiles of the prior alone (sample_prior = "only") with their effective sample sizes.
# Needs R with brms, rstan and jsonlite, and takes about half an hour on one core.
# Run from the repository's folder: Rscript tests/reference/brms_priors.R
# The data are those that brms_posteriors.R writes to tests/reference/data.

suppressPackageStartupMessages({
  library(brms)
  library(jsonlite)
})

folder <- "tests/reference"
read <- function(name) read.csv(file.path(folder, "data", paste0(name, ".csv")))

# --- Models ------------------------------------------------------------------------------------

sleepstudy <- function(name, priors) {
  list(
    name = name, data = "sleepstudy", family = "gaussian",
    formula = "Reaction ~ Days + (Days | Subject)", priors = priors
  )
}

# Keys as in the study file. In brms a uniform distribution needs its bounds a second time.
cases <- list(
  sleepstudy("student_t", c(
    Intercept = "student_t(3, 288, 60)", b = "student_t(3, 0, 15)", sd = "student_t(3, 0, 30)",
    cor = "lkj(1)", sigma = "student_t(3, 0, 30)"
  )),
  sleepstudy("cauchy", c(
    Intercept = "cauchy(250, 10)", b = "cauchy(0, 5)", sd = "cauchy(0, 15)", cor = "lkj(4)",
    sigma = "cauchy(0, 20)"
  )),
  sleepstudy("logistic_and_double_exponential", c(
    Intercept = "logistic(250, 5)", b = "double_exponential(0, 2)", sd = "logistic(5, 10)",
    cor = "lkj(2)", sigma = "double_exponential(10, 5)"
  )),
  sleepstudy("of_positive_numbers", c(
    Intercept = "normal(320, 8)", b = "normal(8, 1)", sd_participant__Intercept = "gamma(4, 0.2)",
    sd_participant__Days = "inv_gamma(3, 10)", cor = "lkj(0.8)", sigma = "lognormal(3, 0.05)"
  )),
  sleepstudy("bounded_and_constant", c(
    Intercept = "student_t(4, 260, 10)", b = "uniform(0, 10)",
    sd_participant__Intercept = "exponential(0.1)", sd_participant__Days = "constant(8)",
    cor = "lkj(2)", sigma = "uniform(20, 25)"
  )),
  list(
    name = "offset", data = "epilepsy", family = "poisson",
    formula = "count ~ zAge + zBase + offset(log(weeks)) + (1 | patient)",
    priors = c(
      Intercept = "normal(1.5, 0.05)", b = "student_t(5, 0, 0.2)", b_zAge = "normal(0.3, 0.1)",
      sd = "student_t(3, 0, 0.3)"
    )
  ),
  list(
    name = "thresholds", data = "inhaler", family = "cumulative",
    formula = "rating ~ period + carry + treat + (1 | subject)",
    priors = c(Intercept = "student_t(3, 0, 1)", b = "double_exponential(0, 0.5)", sd = "gamma(2, 2)")
  )
)

chains <- 4
warmup <- 1000
draws <- c(posterior = 6000, prior = 10000)

one_prior <- function(key, text) {
  bounds <- if (grepl("^uniform", text)) as.numeric(regmatches(text, gregexpr("[0-9.]+", text))[[1]])
  if (grepl("__", key)) {
    return(set_prior(text, class = "sd", group = "Subject", coef = sub(".*__", "", key)))
  }
  if (grepl("^b_", key)) {
    return(set_prior(text, class = "b", coef = sub("^b_", "", key)))
  }
  if (is.null(bounds)) set_prior(text, class = key)
  else set_prior(text, class = key, lb = bounds[1], ub = bounds[2])
}

fit <- function(case, seed) {
  prior <- Reduce(`+`, Map(one_prior, names(case$priors), case$priors))
  arguments <- list(
    as.formula(case$formula), data = read(case$data), family = case$family, prior = prior
  )
  stopifnot(grepl("means_X", do.call(make_stancode, arguments)))
  fitted <- do.call(brm, c(arguments, list(
    chains = chains, cores = 1, warmup = warmup, iter = warmup + draws[["posterior"]], seed = seed,
    control = list(adapt_delta = 0.95), refresh = 0
  )))
  alone <- update(
    fitted, sample_prior = "only", recompile = FALSE, iter = warmup + draws[["prior"]],
    warmup = warmup, chains = chains, cores = 1, seed = seed, refresh = 0,
    control = list(adapt_delta = 0.95)
  )
  list(posterior = summarised(fitted), prior = quantiles(alone))
}

of_population <- function(fitted) {
  array <- posterior::as_draws_array(fitted)
  array[, , grepl("^(b|sd|cor)_|^sigma$", posterior::variables(array))]
}

summarised <- function(fitted) {
  table <- as.data.frame(posterior::summarise_draws(
    of_population(fitted), "mean", "sd",
    mcse = posterior::mcse_mean, ess_bulk = posterior::ess_bulk, rhat = posterior::rhat
  ))
  print(table, digits = 4)
  estimated <- table[table$sd > 1e-12, ]
  stopifnot(all(estimated$rhat < 1.01), all(estimated$ess_bulk >= 1500))
  rows <- lapply(seq_len(nrow(table)), function(i) {
    lapply(as.list(table[i, c("mean", "sd", "mcse")]), function(value) signif(value, 6))
  })
  setNames(rows, table$variable)
}

at <- c(0.1, 0.3, 0.5, 0.7, 0.9)
quantiles <- function(alone) {
  array <- of_population(alone)
  rows <- lapply(posterior::variables(array), function(name) {
    values <- posterior::extract_variable_matrix(array, name)
    list(
      quantiles = signif(unname(quantile(values, at)), 7),
      ess = signif(unname(posterior::ess_quantile(values, at)), 4)
    )
  })
  setNames(rows, posterior::variables(array))
}

# --- File --------------------------------------------------------------------------------------

results <- lapply(seq_along(cases), function(i) {
  message(cases[[i]]$name)
  c(cases[[i]][c("name", "data", "family", "formula")],
    list(priors = as.list(cases[[i]]$priors)), fit(cases[[i]], seed = i))
})
version <- function(package) as.character(packageVersion(package))
content <- list(
  r = paste(R.version$major, R.version$minor, sep = "."), brms = version("brms"),
  rstan = version("rstan"), probabilities = at, cases = results
)
text <- toJSON(content, auto_unbox = TRUE, digits = NA, pretty = 1)
writeLines(text, file.path(folder, "brms_priors.json"))
