# Fits the mixed models that `requests.py` describes: one request a line of standard input as JSON,
# one answer a line of standard output. Ends at the end of its input.

begin <- "answer: "
singular_below <- 1e-4 # lme4's tolerance, for the packages that have none

main <- function() {
  requests <- file("stdin", open = "r")
  answers <- stdout()
  sink(stderr()) # what packages print is no answer
  while (length(line <- readLines(requests, n = 1)) == 1) {
    answer <- tryCatch(
      answer_to(jsonlite::fromJSON(line, simplifyDataFrame = FALSE)),
      error = function(e) list(error = conditionMessage(e))
    )
    text <- jsonlite::toJSON(answer, digits = NA, na = "null", auto_unbox = TRUE)
    cat("\n", begin, text, "\n", sep = "", file = answers)
    flush(answers)
  }
}

answer_to <- function(q) {
  before <- proc.time()
  q$varying <- lapply(q$varying, as.list)
  data <- data_of(q)
  fixed <- columns_of(q$fixed, data)
  varying <- lapply(q$varying, columns_of, data)
  warned <- character()
  fit <- withCallingHandlers(
    fit_by[[q[["function"]]]](q, as.formula(q$formula), data),
    warning = function(w) {
      warned <<- c(warned, conditionMessage(w))
      invokeRestart("muffleWarning")
    },
    message = function(m) invokeRestart("muffleMessage")
  )
  answer <- read_by[[q[["function"]]]](q, fit, fixed, varying, warned)
  spent <- proc.time() - before
  answer$seconds <- sum(spent[c("user.self", "sys.self")])
  answer
}

# --- Data -------------------------------------------------------------------------------------

data_of <- function(q) {
  data <- lapply(q$columns, as.numeric)
  for (name in names(q$factors)) {
    coding <- q$factors[[name]]
    values <- factor(data[[name]], seq_along(coding$levels), coding$levels)
    attr(values, "contrasts") <- matrix(
      coding$contrasts, length(coding$levels),
      dimnames = list(coding$levels, NULL)
    )
    data[[name]] <- values
  }
  for (term in q$varying) data[[term$group]] <- factor(data[[term$group]])
  if (q$family == "ordered") {
    data[[q$response]] <- factor(data[[q$response]], seq_len(q$categories), ordered = TRUE)
    empty <- which(table(data[[q$response]]) == 0)
    if (length(empty)) {
      stop("no outcome is in category ", empty[1], ": its thresholds cannot be estimated")
    }
  }
  list2DF(data)
}

# R's names of a term's columns, in the study's order. Each must have the study's numbers.
columns_of <- function(part, data) {
  found <- model.matrix(as.formula(paste("~", part$terms)), data)
  wanted <- matrix(part$matrix, nrow(data))
  free <- colnames(found)
  for (k in seq_along(part$names)) {
    gap <- apply(abs(found[, free, drop = FALSE] - wanted[, k]), 2, max)
    here <- free[gap <= 1e-8 * max(abs(wanted[, k]))]
    if (!length(here) || ncol(found) != ncol(wanted)) {
      stop(
        "the design matrix differs: the study has the column ", part$names[k], ", R has ",
        paste(colnames(found), collapse = ", ")
      )
    }
    part$names[k] <- here[1]
    free <- setdiff(free, here[1])
  }
  part$names
}

# --- Fits -------------------------------------------------------------------------------------

family_of <- function(name) {
  switch(name,
    binomial = binomial(), poisson = poisson(), Gamma = Gamma(link = "log"),
    gaussian = gaussian(), nbinom2 = glmmTMB::nbinom2(), beta = glmmTMB::beta_family()
  )
}

fit_by <- list(
  lmer = function(q, formula, data) {
    has_df <- requireNamespace("lmerTest", quietly = TRUE)
    control <- lme4::lmerControl(check.rankX = "stop.deficient")
    lmer <- if (has_df) lmerTest::lmer else lme4::lmer
    environment(formula) <- environment()
    lmer(formula, data = data, control = control)
  },
  glmer = function(q, formula, data) {
    control <- lme4::glmerControl(check.rankX = "stop.deficient")
    lme4::glmer(formula, data = data, family = family_of(q$family), control = control)
  },
  glmmTMB = function(q, formula, data) {
    control <- glmmTMB::glmmTMBControl(rank_check = "stop")
    glmmTMB::glmmTMB(formula, data = data, family = family_of(q$family), control = control)
  },
  clmm = function(q, formula, data) ordinal::clmm(formula, data = data, link = "logit")
)

# --- Answers ----------------------------------------------------------------------------------

in_order <- function(values, names) {
  missing <- setdiff(names, names(values))
  if (length(missing)) stop("R dropped ", paste(missing, collapse = ", "), " from the model")
  as.vector(values[names])
}

covariance_of <- function(covariance, names) as.matrix(covariance)[names, names, drop = FALSE]

term_answer <- function(covariance, modes, error, columns) {
  sd <- attr(covariance, "stddev")
  cor <- attr(covariance, "correlation")
  if (is.null(cor)) cor <- diag(length(sd))
  at <- match(columns, names(sd))
  list(
    sd = as.vector(sd[at]), cor = unname(cor[at, at, drop = FALSE]), places = at,
    modes = unname(as.matrix(modes)[, columns, drop = FALSE]),
    modes_error = unname(as.matrix(error)[, match(columns, colnames(modes)), drop = FALSE])
  )
}

errors_of <- function(covariances) {
  size <- dim(covariances)[1]
  matrix(sqrt(apply(covariances, 3, diag)), ncol = size, byrow = TRUE)
}

problem_of <- function(singular, others) {
  if (singular) {
    return("singular fit: a standard deviation at 0, or correlations at their bounds")
  }
  paste(unique(others), collapse = "; ")
}

read_lme4 <- function(q, fit, fixed, varying, warned) {
  covariances <- lme4::VarCorr(fit)
  modes <- lme4::ranef(fit, condVar = TRUE)
  answer <- list(
    b = in_order(lme4::fixef(fit), fixed), covariance = unname(covariance_of(vcov(fit), fixed)),
    varying = Map(function(term, columns) {
      of_groups <- modes[[term$group]]
      error <- errors_of(attr(of_groups, "postVar"))
      term_answer(covariances[[term$group]], of_groups, error, columns)
    }, q$varying, varying),
    own = switch(q$family, gaussian = sigma(fit), Gamma = 1 / sigma(fit)^2, NA),
    own_error = NA
  )
  if (is(fit, "lmerModLmerTest")) {
    answer$jacobian <- lapply(fit@Jac_list, function(slope) {
      dimnames(slope) <- dimnames(fit@vcov_beta)
      unname(covariance_of(slope, fixed))
    })
    answer$variances <- fit@vcov_varpar
  }
  found <- fit@optinfo$conv
  said <- c(found$lme4$messages, if (found$opt != 0) paste("the optimiser ended with", found$opt))
  answer$problem <- problem_of(lme4::isSingular(fit), as.character(unlist(said)))
  answer
}

# The slope of log sigma over its parameter in glmmTMB, which versions scale in different ways.
slope_of_sigma <- function(fit) {
  step <- 0.1
  moved <- fit
  for (name in c("par", "parfull")) {
    here <- grepl("^betad", names(moved$fit[[name]]))
    moved$fit[[name]][here] <- moved$fit[[name]][here] + step
  }
  log(sigma(moved) / sigma(fit)) / step
}

is_singular <- function(covariance, scale) {
  values <- eigen(covariance / scale^2, symmetric = TRUE, only.values = TRUE)$values
  min(values) < singular_below^2
}

read_glmmTMB <- function(q, fit, fixed, varying, warned) {
  covariances <- glmmTMB::VarCorr(fit)$cond
  modes <- glmmTMB::ranef(fit, condVar = TRUE)$cond
  of_all <- fit$sdr$cov.fixed
  thetas <- which(rownames(of_all) == "theta")
  sizes <- vapply(covariances, function(each) ncol(each) * (ncol(each) + 1) / 2, 0)
  last <- cumsum(sizes)
  scale <- if (q$family == "gaussian") sigma(fit) else 1
  singular <- any(vapply(covariances, is_singular, NA, scale))
  known <- if (singular) NA else 1 # errors of parameters at a boundary mean nothing
  answer <- list(
    b = in_order(glmmTMB::fixef(fit)$cond, fixed),
    covariance = unname(covariance_of(vcov(fit)$cond, fixed)),
    varying = Map(function(term, columns) {
      of_groups <- modes[[term$group]]
      error <- errors_of(attr(of_groups, "condVar"))
      found <- term_answer(covariances[[term$group]], of_groups, error, columns)
      here <- thetas[seq(to = last[[term$group]], length.out = sizes[[term$group]])]
      found$theta <- as.vector(fit$fit$par[here])
      found$theta_covariance <- unname(of_all[here, here, drop = FALSE]) * known
      found
    }, q$varying, varying),
    own = NA, own_error = NA
  )
  if (q$family %in% c("gaussian", "Gamma", "nbinom2", "beta")) {
    power <- if (q$family == "Gamma") -2 else 1
    variance <- of_all[grepl("^betad", rownames(of_all)), grepl("^betad", colnames(of_all))]
    answer$own <- sigma(fit)^power
    answer$own_error <- abs(power * slope_of_sigma(fit)) * sqrt(variance)
  }
  answer$problem <- problem_of(singular, warned)
  answer
}

read_clmm <- function(q, fit, fixed, varying, warned) {
  covariances <- ordinal::VarCorr(fit)
  modes <- ordinal::ranef(fit)
  variances <- ordinal::condVar(fit)
  slopes <- setdiff(fixed, "(Intercept)")
  order <- c(in_order(seq_along(fit$beta) |> setNames(names(fit$beta)), slopes) + length(fit$alpha))
  places <- c(order, seq_along(fit$alpha))
  list(
    b = as.vector(c(fit$alpha, fit$beta)[places]),
    covariance = unname(vcov(fit)[places, places, drop = FALSE]),
    varying = Map(function(term, columns) {
      of_groups <- modes[[term$group]]
      term_answer(covariances[[term$group]], of_groups, sqrt(variances[[term$group]]), columns)
    }, q$varying, varying),
    problem = problem_of(any(vapply(covariances, is_singular, NA, 1)), warned)
  )
}

read_by <- list(
  lmer = read_lme4, glmer = read_lme4, glmmTMB = read_glmmTMB, clmm = read_clmm
)

main()
