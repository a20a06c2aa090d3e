# Makes tests/reference/brms_posteriors.json: posterior means that brms gives nine formulas on
# datasets of lme4 and brms, with their Monte Carlo errors, and these datasets as CSV files.
# Needs R with brms, rstan, lme4 and jsonlite, and takes about half an hour on one core.
# Run from the repository's folder: Rscript tests/reference/brms_posteriors.R

suppressPackageStartupMessages({
  library(brms)
  library(jsonlite)
})

folder <- "tests/reference"

# --- Data --------------------------------------------------------------------------------------

of_lme4 <- function(name) {
  data(list = name, package = "lme4", envir = environment())
  as.data.frame(get(name))
}
of_brms <- function(name) {
  data(list = name, package = "brms", envir = environment())
  as.data.frame(get(name))
}

make_verbagg <- function() {
  data <- of_lme4("VerbAgg")
  data <- data[as.integer(data$id) %in% seq(4, 316, by = 8), ] # 40 of 316 persons
  data$r2 <- as.integer(data$r2 == "Y")
  droplevels(data[c("r2", "btype", "mode", "id", "item")])
}
make_cake <- function() {
  data <- of_lme4("cake")
  data$temp <- (data$temp - 200) / 10 # tens of degrees from 200 F: -2.5 to 2.5
  data[c("angle", "recipe", "temp", "replicate")]
}
make_epilepsy <- function() {
  data <- of_brms("epilepsy")
  data$weeks <- 2 # every count is of two weeks
  data[c("count", "zAge", "zBase", "Trt", "weeks", "patient")]
}
make_inhaler <- function() {
  data <- of_brms("inhaler")
  data <- data[data$subject %% 2 == 0, ] # 143 of 286 subjects
  data[c("rating", "treat", "period", "carry", "subject")]
}

datasets <- list(
  sleepstudy = of_lme4("sleepstudy"),
  Penicillin = of_lme4("Penicillin"),
  Pastes = of_lme4("Pastes")[c("strength", "batch", "cask")],
  cbpp = of_lme4("cbpp")[c("incidence", "size", "period", "herd")],
  epilepsy = make_epilepsy(),
  inhaler = make_inhaler(),
  VerbAgg = make_verbagg(),
  cake = make_cake()
)

# --- Models ------------------------------------------------------------------------------------

# A prior named b is that of every coefficient but the intercept, sd that of every standard
# deviation of varying coefficients. For ordered categories, Intercept is the prior of thresholds.
cases <- list(
  list(
    name = "sleepstudy", data = "sleepstudy", family = "gaussian",
    formula = "Reaction ~ Days + (Days | Subject)",
    priors = c(
      Intercept = "normal(250, 50)", b = "normal(0, 10)", sd = "exponential(0.04)",
      cor = "lkj(2)", sigma = "exponential(0.04)"
    )
  ),
  list(
    name = "penicillin", data = "Penicillin", family = "gaussian",
    formula = "diameter ~ 1 + (1 | plate) + (1 | sample)",
    priors = c(
      Intercept = "normal(20, 5)", sd = "exponential(0.5)", sigma = "exponential(1)"
    )
  ),
  list(
    name = "pastes", data = "Pastes", family = "gaussian",
    formula = "strength ~ 1 + (1 | batch/cask)",
    priors = c(
      Intercept = "normal(60, 5)", sd = "exponential(0.5)", sigma = "exponential(1)"
    )
  ),
  list(
    name = "cbpp", data = "cbpp", family = "binomial",
    formula = "incidence | trials(size) ~ period + (1 | herd)",
    priors = c(Intercept = "normal(-1, 1.5)", b = "normal(0, 1)", sd = "exponential(1)")
  ),
  list(
    name = "epilepsy", data = "epilepsy", family = "poisson",
    formula = "count ~ zAge + zBase * Trt + offset(log(weeks)) + (1 | patient)",
    priors = c(Intercept = "normal(1, 1)", b = "normal(0, 0.5)", sd = "exponential(2)")
  ),
  list(
    name = "inhaler", data = "inhaler", family = "cumulative",
    formula = "rating ~ period + carry + treat + (1 | subject)",
    priors = c(Intercept = "normal(0, 4)", b = "normal(0, 1)", sd = "exponential(1)")
  ),
  list(
    name = "verbagg", data = "VerbAgg", family = "bernoulli",
    formula = "r2 ~ btype + mode + (1 | id) + (1 | item)",
    priors = c(Intercept = "normal(0, 1.5)", b = "normal(0, 1)", sd = "exponential(1)")
  ),
  list(
    name = "cake", data = "cake", family = "gaussian",
    formula = "angle ~ recipe * temp + (temp | replicate)",
    priors = c(
      Intercept = "normal(32, 10)", b = "normal(0, 5)", sd = "exponential(0.2)",
      cor = "lkj(2)", sigma = "exponential(0.2)"
    )
  ),
  list(
    name = "sleepstudy_lognormal", data = "sleepstudy", family = "lognormal",
    formula = "Reaction ~ Days + (Days || Subject)",
    priors = c(
      Intercept = "normal(5.5, 0.5)", b = "normal(0, 0.1)", sd = "exponential(5)",
      sigma = "exponential(5)"
    )
  )
)

chains <- 4
# Of each chain; a case takes more where its slowest parameter would have too few effective draws,
# and smaller steps where 0.95 leaves divergent transitions.
default <- list(warmup = 1000, draws = 5000, adapt_delta = 0.95, max_treedepth = 10)
settings <- list(
  penicillin = list(warmup = 2000, draws = 8000, adapt_delta = 0.995),
  pastes = list(warmup = 2000, draws = 10000, adapt_delta = 0.998, max_treedepth = 12),
  epilepsy = list(draws = 10000),
  inhaler = list(draws = 10000),
  verbagg = list(draws = 8000),
  cake = list(draws = 10000)
)
settings_of <- function(case) modifyList(default, as.list(settings[[case$name]]))

prior_of <- function(case) {
  set <- function(class) {
    text <- case$priors[[class]]
    if (class == "Intercept" && case$family != "cumulative") {
      set_prior(text, class = "b", coef = "Intercept")
    } else {
      set_prior(text, class = class)
    }
  }
  do.call(c, lapply(names(case$priors), set))
}

arguments_of <- function(case) {
  list(
    # Not centred: the intercept, or the thresholds, are at zero of all predictors.
    bf(as.formula(case$formula), center = FALSE),
    data = datasets[[case$data]], family = case$family, prior = prior_of(case)
  )
}

check_code <- function(case) {
  code <- do.call(make_stancode, arguments_of(case))
  stopifnot(!grepl("Xc|means_X", code), !grepl("student_t", code)) # no centring, no default prior
}

# --- Fits --------------------------------------------------------------------------------------

fit <- function(case, seed) {
  with <- settings_of(case)
  fitted <- do.call(brm, c(arguments_of(case), list(
    chains = chains, cores = 1, warmup = with$warmup, iter = with$warmup + with$draws,
    seed = seed, control = with[c("adapt_delta", "max_treedepth")], refresh = 0
  )))
  array <- posterior::as_draws_array(fitted)
  names <- posterior::variables(array)
  array <- array[, , grepl("^(b|sd|cor)_|^sigma$", names)]
  table <- posterior::summarise_draws(
    array, "mean", "sd",
    mcse = posterior::mcse_mean, ess_bulk = posterior::ess_bulk, rhat = posterior::rhat
  )
  divergent <- sum(subset(nuts_params(fitted), Parameter == "divergent__")$Value)
  seconds <- sum(rstan::get_elapsed_time(fitted$fit))
  message(sprintf("%s: %d divergent, %.0f s", case$name, divergent, seconds))
  print(as.data.frame(table), digits = 4)
  sampler <- c(list(chains = chains), with, list(seed = seed))
  list(sampler = sampler, divergent = divergent, table = table)
}

# --- Files -------------------------------------------------------------------------------------

json <- function(value) as.character(toJSON(value, auto_unbox = TRUE, digits = NA))

levels_of <- function(case) {
  data <- datasets[[case$data]]
  used <- intersect(all.vars(as.formula(case$formula)), names(data))
  factors <- Filter(is.factor, data[used])
  lapply(factors, function(column) I(levels(column)))
}

as_lines <- function(case, result) {
  parameter <- function(row) {
    values <- lapply(as.list(row[-1]), function(value) signif(as.numeric(value), 6))
    paste0("  ", json(row$variable), ": ", json(values))
  }
  rows <- split(as.data.frame(result$table), seq_len(nrow(result$table)))
  paste0(
    "{\n",
    '"name": ', json(case$name), ",\n",
    '"data": ', json(paste0("data/", case$data, ".csv")), ",\n",
    '"family": ', json(case$family), ",\n",
    '"formula": ', json(case$formula), ",\n",
    '"levels": ', json(levels_of(case)), ",\n",
    '"priors": ', json(as.list(case$priors)), ",\n",
    '"sampler": ', json(result$sampler), ",\n",
    '"divergent": ', json(result$divergent), ",\n",
    '"parameters": {\n', paste(vapply(rows, parameter, ""), collapse = ",\n"), "\n}\n}"
  )
}

dir.create(file.path(folder, "data"), showWarnings = FALSE)
for (name in names(datasets)) {
  file <- file.path(folder, "data", paste0(name, ".csv"))
  write.csv(datasets[[name]], file, row.names = FALSE, quote = FALSE)
}
for (case in cases) check_code(case)

results <- lapply(seq_along(cases), function(i) fit(cases[[i]], seed = i))
for (result in results) {
  stopifnot(all(result$table$rhat < 1.01), all(result$table$ess_bulk >= 2000))
}
parts <- mapply(as_lines, cases, results)
version <- function(package) as.character(packageVersion(package))
writeLines(c(
  "{",
  paste0('"r": ', json(paste(R.version$major, R.version$minor, sep = ".")), ","),
  paste0('"brms": ', json(version("brms")), ","),
  paste0('"rstan": ', json(version("rstan")), ","),
  paste0('"cases": [\n', paste(parts, collapse = ",\n"), "\n]"),
  "}"
), file.path(folder, "brms_posteriors.json"))
