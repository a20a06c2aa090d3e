vector[n_parameters] named = n_free == n_parameters ? free
                             : append_row(free, constants)[position];
